import { z } from 'zod'

export const memory = z
  .strictObject({
    ownership: z
      .strictObject({
        fields: z
          .array(z.string().regex(/^[^.*]+(?:\.[^.*]+)*$/, 'must be a plain field name, dotted for a nested one'))
          .default(['owner_id']),
        unowned: z.enum(['deny', 'allow']).default('deny'),
      })
      .prefault({}),
    containersWithoutOwner: z.enum(['allow', 'scope', 'deny']).default('allow'),
    containerIndex: z.string().min(1).default('.plugins-ml-am-memory-container'),
  })
  .prefault({})
