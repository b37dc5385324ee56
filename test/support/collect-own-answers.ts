import { collectAnswersAt } from './collected-answers.ts'

// Loaded before a gateway that is a process of its own, whose servers are all the gateway's.
collectAnswersAt('any')
