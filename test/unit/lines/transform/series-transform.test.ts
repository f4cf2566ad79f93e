import { describe, expect, test } from 'vitest'
import { normalizeTransform } from '../../../../src/manifest/normalize-transform.ts'
import type * as written from '../../../../src/manifest/manifest.generated.ts'
import type { FieldType } from '../../../../src/manifest/migration.ts'
import {
  compileTransforms,
  type SourceSeries,
  type TargetSeries,
} from '../../../../src/lines/transform/series-transform.ts'

/** `cpu,host=a,env=prod load:float,n:integer` */
function seriesOf(text: string): SourceSeries {
  const [key = '', fields = ''] = text.split(' ')
  const [measurement = '', ...tags] = key.split(',')
  return {
    measurement,
    tags: tags.map((tag) => tag.split('=') as [string, string]),
    fields: fields.split(',').map((field) => {
      const [name = '', type] = field.split(':')
      return { name, type: type as FieldType }
    }),
  }
}

/** What became of it, one line a target: `cpu,host=a load:float<0`; row tags as `key=<field>`, constants as `name:type="text"`. */
function show(target: TargetSeries): string {
  const tags = [
    ...target.tags.map(([key, value]) => `,${key}=${value}`),
    ...target.rowTags.map(({ key, field, type }) => `,${key}=<${field}:${type}>`),
  ]
  const fields = [
    ...target.constants.map(({ name, type, value, rows }) => `${name}:${type}="${value}"@${rows.join('')}`),
    ...target.fields.map(({ name, type, from }) => `${name}:${type}<${from}`),
  ]
  const precision = target.precision === undefined ? '' : ` /${target.precision}`
  return `${target.measurement}${tags.join('')} ${fields.join(',')}${precision}`
}

const CPU = 'cpu,env=prod,host=a load:float,n:integer'

function apply(rules: written.Transform[], series = CPU): string[] {
  const transform = compileTransforms(rules.map(normalizeTransform))
  return transform?.(seriesOf(series)).map(show) ?? ['no rules']
}

const SAME = 'cpu,env=prod,host=a load:float<0,n:integer<1'

describe('each key', () => {
  test.each<[string, written.Transform, string[], string?]>([
    ['nothing', {}, [SAME]],
    ['another measurement', { measurement: 'mem*', drop: true }, [SAME]],
    ['drop', { measurement: 'c*u', drop: true }, []],
    ['drop means a measurement as a whole', { measurement: 'cp', drop: true }, [SAME]],
    ['keepSeries', { keepSeries: [{ env: 'test' }, { env: 'pr*', host: 'a' }] }, [SAME]],
    ['keepSeries, all tags of one', { keepSeries: [{ env: 'test' }, { env: 'prod', host: 'b' }] }, []],
    ['keepSeries, a tag that is not there', { keepSeries: [{ rack: '*' }] }, []],
    ['keepSeries, none of a tag', { keepSeries: [{ rack: '' }] }, [SAME]],
    ['dropSeries', { dropSeries: [{ env: 'p*' }] }, []],
    ['dropSeries, others', { dropSeries: [{ env: 'test' }, { host: '' }] }, [SAME]],
    ['keepFields', { keepFields: ['l*'] }, ['cpu,env=prod,host=a load:float<0']],
    ['keepFields, none is left', { keepFields: ['x'] }, []],
    ['dropFields', { dropFields: ['load', 'x'] }, ['cpu,env=prod,host=a n:integer<1']],
    ['keepTags', { keepTags: ['host'] }, ['cpu,host=a load:float<0,n:integer<1']],
    ['dropTags', { dropTags: ['h*'] }, ['cpu,env=prod load:float<0,n:integer<1']],
    ['cast', { cast: { n: 'float' } }, ['cpu,env=prod,host=a load:float<0,n:float<1']],
    [
      'cast, the first that fits',
      { cast: { n: 'string', '*': 'boolean' } },
      ['cpu,env=prod,host=a load:boolean<0,n:string<1'],
    ],
    [
      'splitByType',
      { splitByType: { v: { string: 'v_str' } } },
      ['m v:float<0,v_str:string<1,w:string<2'],
      'm v:float,v:string,w:string',
    ],
    [
      'tagsToFields',
      { tagsToFields: ['host', 'x'] },
      ['cpu,env=prod host:string="a"@01,load:float<0,n:integer<1'],
    ],
    ['fieldsToTags', { fieldsToTags: ['n'] }, ['cpu,env=prod,host=a,n=<1:integer> load:float<0']],
    [
      'fieldsToTags, in place of a tag',
      { fieldsToTags: ['host'] },
      ['cpu,host=a,host=<1:integer>,host=<2:string> load:float<0'],
      'cpu,host=a load:float,host:integer,host:string',
    ],
    ['fieldsToTags, the only field', { fieldsToTags: ['n'] }, [], 'cpu n:integer'],
    ['renameTags', { renameTags: { host: 'a' } }, ['cpu,a=a,env=prod load:float<0,n:integer<1']],
    ['renameTags, in place of one', { renameTags: { host: 'env' } }, ['cpu,env=a load:float<0,n:integer<1']],
    [
      'renameTags, two swap',
      { renameTags: { host: 'env', env: 'host' } },
      ['cpu,env=a,host=prod load:float<0,n:integer<1'],
    ],
    [
      'renameFields',
      { renameFields: { n: 'load', load: 'n' } },
      ['cpu,env=prod,host=a n:float<0,load:integer<1'],
    ],
    [
      'renameFields, two become one',
      { renameFields: { n: 'load' } },
      ['cpu,env=prod,host=a load:float<0,load:integer<1'],
    ],
    ['setTags', { setTags: { env: 'x', dc: 'ber' } }, ['cpu,dc=ber,env=x,host=a load:float<0,n:integer<1']],
    [
      'splitFields',
      { splitFields: { a: ['n'], b: ['x*'] } },
      ['cpu,env=prod,host=a load:float<0', 'a,env=prod,host=a n:integer<1'],
    ],
    [
      'splitFields, all of them',
      { splitFields: { a: ['n'], b: ['*'] } },
      ['a,env=prod,host=a n:integer<1', 'b,env=prod,host=a load:float<0'],
    ],
    [
      'splitFields, some stay by name',
      { splitFields: { cpu: ['n'], b: ['*'] } },
      ['cpu,env=prod,host=a n:integer<1', 'b,env=prod,host=a load:float<0'],
    ],
    ['precision', { precision: 's' }, [`${SAME} /1000000000`]],
    [
      'rename',
      { rename: 'plant_{measurement}_$&' },
      ['plant_cpu_$&,env=prod,host=a load:float<0,n:integer<1'],
    ],
  ])('%s', (_, rule, expected, series) => {
    expect(apply([rule], series)).toEqual(expected)
  })
})

describe('the order within a rule', () => {
  test.each<[string, written.Transform, string[], string?]>([
    ['drop before all', { drop: true, keepFields: ['*'] }, []],
    [
      'series are chosen by tags that are dropped',
      { keepSeries: [{ host: 'a' }], dropTags: ['host'] },
      ['cpu,env=prod load:float<0,n:integer<1'],
    ],
    [
      'keepTags before dropTags',
      { keepTags: ['host'], dropTags: ['host'] },
      ['cpu load:float<0,n:integer<1'],
    ],
    [
      'dropTags before tagsToFields',
      { dropTags: ['host'], tagsToFields: ['host'] },
      ['cpu,env=prod load:float<0,n:integer<1'],
    ],
    [
      'cast before splitByType',
      { cast: { v: 'string' }, splitByType: { v: { float: 'v_f', string: 'v_s' } } },
      ['m v_s:string<0'],
      'm v:float',
    ],
    [
      'splitByType before fieldsToTags',
      { splitByType: { v: { string: 's' } }, fieldsToTags: ['s'] },
      ['m,s=<1:string> v:float<0'],
      'm v:float,v:string',
    ],
    ['tagsToFields before fieldsToTags', { tagsToFields: ['host'], fieldsToTags: ['host'] }, [SAME]],
    [
      'tagsToFields before renameTags and renameFields',
      { tagsToFields: ['host'], renameTags: { host: 'x' }, renameFields: { host: 'h' } },
      ['cpu,env=prod h:string="a"@01,load:float<0,n:integer<1'],
    ],
    [
      'fieldsToTags before renameTags',
      { fieldsToTags: ['n'], renameTags: { n: 'number' } },
      ['cpu,env=prod,host=a,number=<1:integer> load:float<0'],
    ],
    [
      'renameTags before setTags',
      { renameTags: { host: 'h' }, setTags: { host: 'b' } },
      ['cpu,env=prod,h=a,host=b load:float<0,n:integer<1'],
    ],
    [
      'setTags in place of a row tag',
      { fieldsToTags: ['n'], setTags: { n: 'x' } },
      ['cpu,env=prod,host=a,n=x load:float<0'],
    ],
    [
      'renameFields before splitFields, which has the tags set',
      { renameFields: { n: 'm' }, setTags: { host: 'b' }, splitFields: { a: ['m'] } },
      ['cpu,env=prod,host=b load:float<0', 'a,env=prod,host=b m:integer<1'],
    ],
    [
      'precision and rename after splitFields',
      { splitFields: { a: ['n'] }, precision: 'us', rename: 'x' },
      ['x,env=prod,host=a load:float<0 /1000', 'a,env=prod,host=a n:integer<1 /1000'],
    ],
  ])('%s', (_, rule, expected, series) => {
    expect(apply([rule], series)).toEqual(expected)
  })
})

describe('the order of rules', () => {
  test.each<[string, written.Transform[], string[], string?]>([
    [
      'the next one sees the new name',
      [{ rename: 'x' }, { measurement: 'x', rename: 'y_{measurement}' }, { measurement: 'cpu', drop: true }],
      ['y_x,env=prod,host=a load:float<0,n:integer<1'],
    ],
    [
      'what was split off has rules of its own',
      [{ splitFields: { a: ['n'] } }, { measurement: 'a', keepTags: ['host'], renameFields: { n: 'm' } }],
      ['cpu,env=prod,host=a load:float<0', 'a,host=a m:integer<1'],
    ],
    [
      'of two casts the last one counts',
      [{ cast: { n: 'float' } }, { cast: { n: 'string' } }],
      ['cpu,env=prod,host=a load:float<0,n:string<1'],
    ],
    [
      'a tag that became a field can be cast',
      [{ tagsToFields: ['host'] }, { cast: { host: 'integer' } }],
      ['cpu,env=prod host:integer="a"@01,load:float<0,n:integer<1'],
    ],
    [
      'its rows are those that there were',
      [{ tagsToFields: ['host'] }, { dropFields: ['n'] }],
      ['cpu,env=prod host:string="a"@01,load:float<0'],
    ],
    [
      'and not those that there are no more',
      [{ dropFields: ['n'] }, { tagsToFields: ['host'] }],
      ['cpu,env=prod host:string="a"@0,load:float<0'],
    ],
    [
      'of its rows nothing else may be left',
      [{ tagsToFields: ['host'] }, { keepFields: ['host'] }],
      ['cpu,env=prod host:string="a"@01'],
    ],
    [
      'a field, a tag, and a field again',
      [{ fieldsToTags: ['n'] }, { tagsToFields: ['n'] }],
      ['cpu,env=prod,host=a load:float<0,n:string<1'],
    ],
    ['the coarser precision', [{ precision: 's' }, { precision: 'us' }], [`${SAME} /1000000000`]],
  ])('%s', (_, rules, expected, series) => {
    expect(apply(rules, series)).toEqual(expected)
  })
})

test('no rules are no function', () => {
  expect(compileTransforms([])).toBeUndefined()
})

test('names are bytes: rules find them by their UTF-8, and what is not UTF-8 stays', () => {
  const transform = compileTransforms([
    normalizeTransform({ measurement: 'größe', renameTags: { é: 'ü' }, setTags: { ort: 'Köln' } }),
  ])
  const bytes = (text: string) => Buffer.from(text).toString('latin1')
  const [target] =
    transform?.({
      measurement: bytes('größe'),
      tags: [[bytes('é'), '\xff\xfe']],
      fields: [{ name: '\xff', type: 'float' }],
    }) ?? []
  expect(target?.tags).toEqual([
    ['ort', bytes('Köln')],
    [bytes('ü'), '\xff\xfe'],
  ])
  expect(target?.fields).toEqual([{ name: '\xff', type: 'float', from: 0 }])
})

test('tags without a value are no tags', () => {
  const transform = compileTransforms([normalizeTransform({})])
  const targets = transform?.({ measurement: 'm', tags: [['a', '']], fields: [{ name: 'v', type: 'float' }] })
  expect(targets?.[0]?.tags).toEqual([])
})
