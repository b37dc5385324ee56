import { workingOfA } from './memories.ts'
import { ANYONE, byGateway, json, yaml } from './shape.ts'
import type { TranscriptCase } from './shape.ts'

/** Query strings, spellings of the path, and methods. */
export const spellingsCases: readonly TranscriptCase[] = [
  {
    number: '180',
    title: 'delete refresh param',
    asks: byGateway(ANYONE),
    memories: [workingOfA('zQReAKIBPCoxE759B3vp')],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/zQReAKIBPCoxE759B3vp?refresh=true',
    },
    response: json(
      400,
      '{"error":{"root_cause":[{"type":"illegal_argument_exception","reason":"request [/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/zQReAKIBPCoxE759B3vp] contains unrecognized parameter: [refresh]"}],"type":"illegal_argument_exception","reason":"request [/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/zQReAKIBPCoxE759B3vp] contains unrecognized parameter: [refresh]"},"status":400}',
    ),
  },
  {
    number: '181',
    title: 'delete unknown param',
    asks: byGateway(ANYONE),
    memories: [workingOfA('zQReAKIBPCoxE759B3vp')],
    there: ['zQReAKIBPCoxE759B3vp'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/zQReAKIBPCoxE759B3vp?foo=bar',
    },
    response: json(
      400,
      '{"error":{"root_cause":[{"type":"illegal_argument_exception","reason":"request [/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/zQReAKIBPCoxE759B3vp] contains unrecognized parameter: [foo]"}],"type":"illegal_argument_exception","reason":"request [/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/zQReAKIBPCoxE759B3vp] contains unrecognized parameter: [foo]"},"status":400}',
    ),
  },
  {
    number: '182',
    title: 'delete pretty',
    asks: byGateway(ANYONE),
    memories: [workingOfA('zQReAKIBPCoxE759B3vp')],
    gone: ['zQReAKIBPCoxE759B3vp'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/zQReAKIBPCoxE759B3vp?pretty',
    },
    response: json(
      200,
      '{\n  "_index" : "acme-memory-working",\n  "_id" : "zQReAKIBPCoxE759B3vp",\n  "_version" : 2,\n  "result" : "deleted",\n  "_shards" : {\n    "total" : 1,\n    "successful" : 1,\n    "failed" : 0\n  },\n  "_seq_no" : 22,\n  "_primary_term" : 1\n}\n',
    ),
  },
  {
    number: '183',
    title: 'delete filter_path',
    asks: byGateway(ANYONE),
    memories: [workingOfA('zgReAKIBPCoxE759CHvr')],
    gone: ['zgReAKIBPCoxE759CHvr'],
    request: {
      method: 'DELETE',
      target:
        '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/zgReAKIBPCoxE759CHvr?filter_path=result,_id',
    },
    response: json(200, '{"_id":"zgReAKIBPCoxE759CHvr","result":"deleted"}'),
  },
  {
    number: '184',
    title: 'delete format yaml',
    asks: byGateway(ANYONE),
    memories: [workingOfA('zwReAKIBPCoxE759CntJ')],
    gone: ['zwReAKIBPCoxE759CntJ'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/zwReAKIBPCoxE759CntJ?format=yaml',
    },
    response: yaml(
      200,
      '---\n_index: "acme-memory-working"\n_id: "zwReAKIBPCoxE759CntJ"\n_version: 2\nresult: "deleted"\n_shards:\n  total: 1\n  successful: 1\n  failed: 0\n_seq_no: 26\n_primary_term: 1\n',
    ),
  },
  {
    number: '185',
    title: 'delete trailing slash',
    asks: byGateway(ANYONE),
    memories: [workingOfA('0AReAKIBPCoxE759C3tu')],
    gone: ['0AReAKIBPCoxE759C3tu'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/0AReAKIBPCoxE759C3tu/',
    },
    response: json(
      200,
      '{"_index":"acme-memory-working","_id":"0AReAKIBPCoxE759C3tu","_version":2,"result":"deleted","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":28,"_primary_term":1}',
    ),
  },
  {
    number: '186',
    title: 'delete double slash',
    asks: byGateway(ANYONE),
    memories: [workingOfA('1AReAKIBPCoxE759kntH')],
    there: ['1AReAKIBPCoxE759kntH'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW//memories/working/1AReAKIBPCoxE759kntH',
    },
    response: json(
      400,
      '{"error":"no handler found for uri [/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW//memories/working/1AReAKIBPCoxE759kntH] and method [DELETE]"}',
    ),
  },
  {
    number: '187',
    title: 'delete percent encoded type',
    asks: byGateway(ANYONE),
    memories: [workingOfA('0gReAKIBPCoxE759DXu6')],
    gone: ['0gReAKIBPCoxE759DXu6'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/work%69ng/0gReAKIBPCoxE759DXu6',
    },
    response: json(
      200,
      '{"_index":"acme-memory-working","_id":"0gReAKIBPCoxE759DXu6","_version":2,"result":"deleted","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":31,"_primary_term":1}',
    ),
  },
  {
    number: '188',
    title: 'delete with json body',
    asks: byGateway(ANYONE),
    memories: [workingOfA('0wReAKIBPCoxE759DnvN')],
    gone: ['0wReAKIBPCoxE759DnvN'],
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/0wReAKIBPCoxE759DnvN',
      headers: { 'content-type': 'application/json' },
      body: '{"a":1}',
    },
    response: json(
      200,
      '{"_index":"acme-memory-working","_id":"0wReAKIBPCoxE759DnvN","_version":2,"result":"deleted","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":33,"_primary_term":1}',
    ),
  },
  {
    number: '189',
    title: 'delete id with space',
    asks: byGateway(ANYONE),
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/a%20b',
    },
    response: json(
      404,
      '{"error":{"root_cause":[{"type":"status_exception","reason":"Memory not found"}],"type":"status_exception","reason":"Memory not found"},"status":404}',
    ),
  },
  {
    number: '192',
    title: 'delete id _search',
    asks: byGateway(ANYONE),
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/_search',
    },
    response: json(
      405,
      '{"error":"Incorrect HTTP method for uri [/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/_search] and method [DELETE], allowed: [GET, POST]","status":405}',
      { allow: 'GET,POST' },
    ),
  },
  {
    number: '193',
    title: 'delete id _delete_by_query',
    asks: byGateway(ANYONE),
    request: {
      method: 'DELETE',
      target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/_delete_by_query',
    },
    response: json(
      405,
      '{"error":"Incorrect HTTP method for uri [/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/_delete_by_query] and method [DELETE], allowed: [POST]","status":405}',
      { allow: 'POST' },
    ),
  },
  {
    number: '194',
    title: 'delete no id',
    asks: byGateway(ANYONE),
    request: { method: 'DELETE', target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working' },
    response: json(
      400,
      '{"error":"no handler found for uri [/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working] and method [DELETE]"}',
    ),
  },
  {
    number: '195',
    title: 'delete no type',
    asks: byGateway(ANYONE),
    request: { method: 'DELETE', target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories' },
    response: json(
      405,
      '{"error":"Incorrect HTTP method for uri [/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories] and method [DELETE], allowed: [POST]","status":405}',
      { allow: 'POST' },
    ),
  },
  {
    number: '430',
    title: 'head memory',
    asks: byGateway(ANYONE),
    memories: [workingOfA('x')],
    there: ['x'],
    request: { method: 'HEAD', target: '/_plugins/_ml/memory_containers/nQRbAKIBPCoxE759eHuW/memories/working/x' },
    response: json(405, '', { allow: 'DELETE,PUT,GET', 'content-length': '175' }),
  },
]
