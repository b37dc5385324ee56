import { collectAnswersOf } from './collected-answers.ts'
import { collectFiles } from './collected-files.ts'
import { SPANS } from './collected.ts'
import { collectTraces } from './collected-traces.ts'
import type { Spans } from './collected-traces.ts'

// Loaded before a gateway that is a process of its own, whose servers and files are all the gateway's.
collectAnswersOf('any')
await collectFiles()
const spans = process.env[SPANS] as Spans | 'none' | undefined
if (spans !== 'none') await collectTraces(spans)
