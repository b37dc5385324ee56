import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { InFlight } from '../../../src/core/in-flight.ts'

describe('what is in flight', () => {
  test('holds what a set would hold, whatever comes and goes, and leaves twice', () => {
    const steps = fc.array(fc.record({ kind: fc.constantFrom('add', 'leave'), which: fc.nat(40) }), { maxLength: 200 })
    fc.assert(
      fc.property(steps, (taken) => {
        const inFlight = new InFlight<number>()
        const model = new Set<number>()
        const added: { item: number; leave: () => void }[] = []
        for (const { kind, which } of taken) {
          const known = added[which % Math.max(added.length, 1)]
          if (kind === 'add' || known === undefined) {
            const item = added.length
            added.push({ item, leave: inFlight.add(item) })
            model.add(item)
          } else {
            known.leave()
            model.delete(known.item)
          }
          expect(inFlight.size).toBe(model.size)
          expect(inFlight.items().sort((a, b) => a - b)).toEqual([...model])
        }
        for (let item = 0; item < added.length; item++) {
          expect(inFlight.some((one) => one === item)).toBe(model.has(item))
        }
      }),
    )
  })

  test('may change while its items are gone through', () => {
    const inFlight = new InFlight<number>()
    const leave = [1, 2, 3].map((item) => inFlight.add(item))
    const seen = inFlight.items().map((item) => {
      leave[0]?.()
      inFlight.add(4)
      return item
    })
    expect(seen).toEqual([1, 2, 3])
    expect(inFlight.size).toBe(5)
  })
})
