import { filterPathCases } from './common-parameters/filter-paths.ts'
import { layoutCases } from './common-parameters/layout.ts'
import { nameCases } from './common-parameters/names.ts'

/** Asked of the server itself and of the gateway: both answers are the same text, but for the deviations that say so. */
export const PARAMETER_CASES = { layout: layoutCases, filterPath: filterPathCases, names: nameCases } as const
