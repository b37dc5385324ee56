import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { provokedBy } from '../../vectors/doctor-findings.ts'
import { securedCluster } from '../clusters.ts'
import { openGround } from '../doctor-ground.ts'
import type { ClusterKind, DoctorGround } from '../doctor-ground.ts'
import { expectRemedied } from '../doctor-world.ts'
import { casesFor } from './all.ts'

/** Tests of a suite: every finding that a cluster of this kind can have. */
export function provokeAll(kind: ClusterKind): void {
  const cases = casesFor(kind)
  // Server versions without a security plugin on Maven Central have no secured cluster.
  const hasSecured = securedCluster() !== undefined
  const onIt = kind === 'plain' || hasSecured ? describe : describe.skip

  onIt(`on a ${kind} cluster each finding is seen, and its remedy, followed to the letter, makes it go`, () => {
    let ground: DoctorGround

    beforeAll(async () => {
      ground = await openGround(kind)
    })
    afterEach(() => ground.cleanUp())
    afterAll(() => ground.close())

    test.each(cases)('$id: $when', (one) => expectRemedied(ground, one))

    const withBoth = hasSecured ? test : test.skip
    withBoth('these are all that the table says', () => {
      expect([...new Set(cases.map(({ id }) => id))].sort()).toEqual(provokedBy('case', kind))
    })
  })
}
