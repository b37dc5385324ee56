import type { Explanation } from '../../src/core/explain.ts'
import { call } from './call.ts'
import type { TestGateway } from './gateway.ts'

interface Question {
  readonly method: string
  readonly path: string
  readonly token: string
  readonly idempotencyKey?: string | undefined
  readonly upgrade?: string
}

/** What a gateway says on its ops port that it would make of a request. */
export async function explain(gateway: Pick<TestGateway, 'opsUrl'>, question: Question): Promise<Explanation> {
  const { status, text, body } = await call(gateway.opsUrl, {
    method: 'POST',
    path: '/explain',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(question),
  })
  if (status !== 200) throw new Error(`explain: ${String(status)} ${text}`)
  if (text.includes(question.token)) throw new Error('the explanation holds the token')
  return body as Explanation
}
