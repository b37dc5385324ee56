import { z } from 'zod'

import { UPGRADES } from '../core/asked-upgrade.ts'
import { duration } from './scalars.ts'

const indexPattern = z
  .string()
  .regex(/^[^,\s<>:A-Z]+$/, 'must be the name of an index, lower-case, * for any characters')

const guardRule = z
  .strictObject({
    methods: z
      .array(z.string().regex(/^[A-Z]+$/, 'must be a method as it is sent: upper-case'))
      .min(1)
      .optional(),
    paths: z
      .array(
        z.string().regex(/^\/[^?#]*$/, 'must begin with a slash; * within a segment, ** for any number of segments'),
      )
      .min(1)
      .optional(),
    classes: z
      .array(z.enum(['read', 'write', 'admin']))
      .min(1)
      .optional(),
    indices: z.array(indexPattern).min(1).optional(),
    /** Any one of them will do. None: nobody may. */
    scopes: z.array(z.string().regex(/^[!#-[\]-~]+$/, 'must be a scope (RFC 6749 section 3.3)')),
    /** To what a connection may be upgraded by a request that this rule lets through. */
    upgrade: z.array(z.enum(UPGRADES)).min(1).optional(),
  })
  .refine(({ upgrade, paths, scopes }) => upgrade === undefined || (paths !== undefined && scopes.length > 0), {
    path: ['upgrade'],
    message: 'needs paths, since what an upgraded connection carries is not inspected, and scopes',
  })

export const guard = z
  .strictObject({
    mode: z.enum(['enforce', 'observe']).default('enforce'),
    /** First match wins; what fits no rule is refused. */
    rules: z.array(guardRule).default([
      { classes: ['read'], scopes: ['opensearch:read'] },
      { classes: ['write'], scopes: ['opensearch:write'] },
      { classes: ['admin'], scopes: ['opensearch:admin'] },
    ]),
    /** What only opensearch:admin reaches: memories, and indices whose name begins with a dot. */
    protectedIndices: z
      .strictObject({
        mode: z.enum(['enforce', 'observe']).default('enforce'),
        more: z.array(indexPattern).default([]),
        except: z.array(indexPattern.startsWith('.', 'must begin with a dot: others are not protected')).default([]),
      })
      .prefault({}),
    /** What is known of the cluster's indices, aliases and data streams. */
    indexTable: z.strictObject({ freshFor: duration('1s'), maxAge: duration('30s') }).prefault({}),
    /** Bodies that may name indices are read; what is longer than this is refused, but for `opensearch:admin`. */
    bodies: z
      .strictObject({
        searchBytes: z.int().min(1_024).max(104_857_600).default(1_048_576),
        lineBytes: z.int().min(1_024).max(1_048_576).default(65_536),
        inflatedBytes: z.int().min(1_024).default(268_435_456),
      })
      .prefault({}),
  })
  .prefault({})
  .refine((value) => value.mode === 'observe' || value.protectedIndices.mode === 'enforce', {
    path: ['protectedIndices', 'mode'],
    message: 'can only be observe where guard.mode is observe',
  })
