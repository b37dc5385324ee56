import { collectAnswersOf } from './collected-answers.ts'
import { SPANS } from './collected.ts'
import { collectTraces } from './collected-traces.ts'

// Loaded before a gateway that is a process of its own, whose servers are all the gateway's.
collectAnswersOf('any')
if (process.env[SPANS] !== 'none') await collectTraces()
