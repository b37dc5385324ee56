import { z } from 'zod'

const claimValues = z.record(
  z.string().min(1),
  z.union([z.string(), z.array(z.string()).min(1)]).transform((value) => [value].flat()),
)

/** Which requests go to which cluster. */
export const route = z.strictObject({
  when: z
    .strictObject({
      issuer: z.string().min(1).optional(),
      claim: claimValues.optional(),
      containers: z.array(z.string().min(1)).min(1).optional(),
      paths: z.array(z.string().regex(/^\//, 'must begin with a slash')).min(1).optional(),
      indices: z.array(z.string().min(1)).min(1).optional(),
    })
    .prefault({}),
  require: z.strictObject({ claim: claimValues.default({}) }).prefault({}),
  cluster: z.string().min(1),
})
