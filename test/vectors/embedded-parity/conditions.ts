import { call, parityCase, quietIndex } from './shape.ts'

const seeded = [quietIndex, call('PUT /{index}/_doc/1', '{"a":1}'), call('PUT /{index}/_doc/1', '{"a":2}')]

export const conditionCases = [
  parityCase(
    'a write under the right condition',
    ...seeded,
    call('PUT /{index}/_doc/1?if_seq_no=1&if_primary_term=1', '{"a":3}'),
    call('GET /{index}/_doc/1'),
  ),
  parityCase(
    'a write under an old condition',
    ...seeded,
    call('PUT /{index}/_doc/1?if_seq_no=0&if_primary_term=1', '{"a":3}'),
    call('GET /{index}/_doc/1'),
  ),
  parityCase(
    'a write under a condition of another term',
    ...seeded,
    call('PUT /{index}/_doc/1?if_seq_no=1&if_primary_term=2', '{"a":3}'),
  ),
  parityCase(
    'a conditional write of a document that is not there',
    quietIndex,
    call('PUT /{index}/_doc/1?if_seq_no=0&if_primary_term=1', '{"a":3}'),
    call('GET /{index}/_doc/1'),
  ),
  parityCase(
    'a conditional write without an index',
    call('PUT /{index}/_doc/1?if_seq_no=0&if_primary_term=1', '{"a":3}'),
    call('HEAD /{index}'),
  ),
  parityCase(
    'a delete under the right condition',
    ...seeded,
    call('DELETE /{index}/_doc/1?if_seq_no=1&if_primary_term=1'),
    call('GET /{index}/_doc/1'),
  ),
  parityCase(
    'a delete under an old condition',
    ...seeded,
    call('DELETE /{index}/_doc/1?if_seq_no=0&if_primary_term=1'),
    call('GET /{index}/_doc/1'),
  ),
  parityCase(
    'a delete under a condition of another term',
    ...seeded,
    call('DELETE /{index}/_doc/1?if_seq_no=1&if_primary_term=7'),
  ),
  parityCase(
    'a conditional delete of a document that is not there',
    quietIndex,
    call('DELETE /{index}/_doc/1?if_seq_no=0&if_primary_term=1'),
  ),
  parityCase(
    'a conditional delete of a deleted document',
    ...seeded,
    call('DELETE /{index}/_doc/1'),
    call('DELETE /{index}/_doc/1?if_seq_no=2&if_primary_term=1'),
  ),
  parityCase('a conditional delete without an index', call('DELETE /{index}/_doc/1?if_seq_no=0&if_primary_term=1')),
  parityCase(
    'the sequence number without the term',
    ...seeded,
    call('PUT /{index}/_doc/1?if_seq_no=0', '{}'),
    call('DELETE /{index}/_doc/1?if_seq_no=0'),
  ),
  parityCase(
    'the term without the sequence number',
    ...seeded,
    call('PUT /{index}/_doc/1?if_primary_term=1', '{}'),
    call('DELETE /{index}/_doc/1?if_primary_term=1'),
  ),
  parityCase(
    'a term of zero',
    ...seeded,
    call('PUT /{index}/_doc/1?if_seq_no=1&if_primary_term=0', '{}'),
    call('DELETE /{index}/_doc/1?if_seq_no=1&if_primary_term=0'),
  ),
  parityCase(
    'negative numbers',
    ...seeded,
    call('PUT /{index}/_doc/1?if_seq_no=-1&if_primary_term=1', '{}'),
    call('DELETE /{index}/_doc/1?if_seq_no=-3&if_primary_term=1'),
    call('DELETE /{index}/_doc/1?if_seq_no=1&if_primary_term=-1'),
  ),
  parityCase(
    'unassigned numbers are no condition',
    ...seeded,
    call('PUT /{index}/_doc/1?if_seq_no=-2&if_primary_term=0', '{}'),
    call('DELETE /{index}/_doc/1?if_seq_no=-2&if_primary_term=0'),
  ),
  parityCase(
    'conditions that are no numbers',
    ...seeded,
    call('PUT /{index}/_doc/1?if_seq_no=x&if_primary_term=1', '{}'),
    call('DELETE /{index}/_doc/1?if_seq_no=1&if_primary_term=y'),
    call('DELETE /{index}/_doc/1?if_seq_no=9223372036854775808&if_primary_term=1'),
    call('DELETE /{index}/_doc/1?if_seq_no=1.5&if_primary_term=1'),
    call('DELETE /{index}/_doc/1?if_seq_no=%201&if_primary_term=1'),
  ),
  parityCase(
    'empty conditions',
    ...seeded,
    call('DELETE /{index}/_doc/1?if_seq_no=&if_primary_term=1'),
    call('DELETE /{index}/_doc/1?if_seq_no&if_primary_term'),
  ),
  parityCase(
    'a condition with a create',
    ...seeded,
    call('PUT /{index}/_create/9?if_seq_no=1&if_primary_term=1', '{}'),
    call('PUT /{index}/_doc/9?op_type=create&if_seq_no=1&if_primary_term=1', '{}'),
  ),
  parityCase(
    'a sequence number of 2^53 + 1',
    ...seeded,
    call('DELETE /{index}/_doc/1?if_seq_no=9007199254740993&if_primary_term=1'),
  ),
]
