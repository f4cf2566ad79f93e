import { expect, test } from 'vitest'
import { checked, noted, resolved, type Wish } from '../../rig/preflight-rig.ts'

const findings = async (lines: string[], given: Wish = {}) => noted(await checked(lines, given))

/** With everything that is suggested, nothing is left. */
async function resolution(lines: string[], given: Wish = {}): Promise<string[]> {
  const first = await checked(lines, given)
  const again = await checked(lines, resolved(given, first))
  expect(noted(again).filter((line) => line.startsWith('error'))).toEqual([])
  return noted(first)
}

test('what the cluster takes is no finding', async () => {
  expect(await findings(['m,t=a v=1,s="x" 1', 'm,t=b v=2 2', 'm u=3i 3'])).toEqual([])
})

test('a field of several types: numbers become floats, others get other names', async () => {
  expect(await resolution(['m v=1 1', 'm v=2i 2', 'm v=3u 3', 'm w=1 1', 'm w="x" 2', 'm w=true 3'])).toEqual(
    [
      'error preflight/field-types db m.v (3): {"measurement":"m","cast":{"v":"float"}}',
      'error preflight/field-types db m.w (3): {"measurement":"m","splitByType":{"w":{"string":"w_str","boolean":"w_bool"}}}',
    ],
  )
})

test('integers and floats beside strings are parted by type, and new names are free ones', async () => {
  expect(await resolution(['m v=1 1', 'm v=2i 2', 'm v="x" 3', 'm v_str=1 1'])).toEqual([
    'error preflight/field-types db m.v (3): {"measurement":"m","splitByType":{"v":{"integer":"v_int","string":"v_str_2"}}}',
  ])
})

test('a cast is by pattern: a star in the name is left alone by it', async () => {
  expect(await resolution(['m v*=1 1', 'm v*=2i 2', 'm vv=2i 2'])).toEqual([
    'error preflight/field-types db m.v* (2): {"measurement":"m","splitByType":{"v*":{"integer":"v*_int"}}}',
  ])
})

test('the column that the cluster has keeps its type', async () => {
  const existing = { m: { fields: { v: 'float', w: 'integer', x: 'string' } } } as const
  const given = { existing: { m: { fields: { ...existing.m.fields } } } }
  expect(await resolution(['m v=1i 1', 'm w=2 1', 'm x=true 1'], given)).toEqual([
    'error preflight/column-type db m.v (1): {"measurement":"m","cast":{"v":"float"}}',
    'error preflight/column-type db m.w (1): {"measurement":"m","splitByType":{"w":{"float":"w_float"}}}',
    'error preflight/column-type db m.x (1): {"measurement":"m","splitByType":{"x":{"boolean":"x_bool"}}}',
  ])
})

test('a name that is tag and field, in one series, in two, or against the cluster', async () => {
  const given = { existing: { m: { tags: ['a'], fields: { b: 'float' } } } } as Wish
  expect(
    await resolution(['m,t=x t=1 1', 'n,u=x f=1 1', 'n u=1 1', 'm a=1 1', 'm,b=x f=1 1'], given),
  ).toEqual([
    'error preflight/tag-and-field db m.b (1): {"measurement":"m","renameTags":{"b":"b_tag"}}',
    'error preflight/tag-and-field db m.a (1): {"measurement":"m","renameFields":{"a":"a_field"}}',
    'error preflight/tag-and-field db m.t (1): {"measurement":"m","renameFields":{"t":"t_field"}}',
    'error preflight/tag-and-field db n.u (1): {"measurement":"n","renameFields":{"u":"u_field"}}',
  ])
})

test('time, and names that v3 cannot express, get the nearest name that is free', async () => {
  const lines = ['m,time=x time=1,f=2 1', 'm a\tb=1,a_b=2 1', 'a\tb f=1 1']
  expect((await resolution(lines)).sort()).toEqual([
    'error preflight/name db a\\tb (1): {"measurement":"a\\tb","rename":"a_b"}',
    'error preflight/name db m.a\\tb (1): {"measurement":"m","renameFields":{"a\\tb":"a_b_2"}}',
    'error preflight/time db m.time (1): {"measurement":"m","renameFields":{"time":"time_field"}}',
    'error preflight/time db m.time (2): {"measurement":"m","renameTags":{"time":"time_tag"}}',
  ])
})

test('a field with several faults has all of them resolved', async () => {
  await resolution(['m,v=x v=1 1', 'm v="x" 2', 'm v_field=1 1', 'm time="x" 1', 'm time=1 2'])
})

test('reserved names are a warning', async () => {
  expect(await findings(['_m,iox_t=x _f=1 1'])).toEqual([
    'warning preflight/reserved-name db _m: ',
    'warning preflight/reserved-name db _m.iox_t: ',
    'warning preflight/reserved-name db _m._f: ',
  ])
})

const wide = (count: number, measurement = 'm') => [
  `${measurement},t=x ${Array.from({ length: count }, (_, i) => `f${i}=1`).join(',')} 1`,
]

test('columns up to 1000 are a matter of the limit, and time is one of them', async () => {
  expect(await findings(wide(248))).toEqual([])
  expect(await resolution(wide(249))).toEqual(['error preflight/columns db m: {"maxColumns":300}'])
  expect(await resolution(wide(990))).toEqual(['error preflight/columns db m: {"maxColumns":1000}'])
  expect(await findings(wide(990), { wish: { maxColumns: 1000 } })).toEqual([])
})

test('the limit of a database that exists is raised by --update alone', async () => {
  const given = { found: { maxColumns: 200 }, wish: { maxColumns: 300 } }
  expect(await findings(wide(250), given)).toEqual([
    'error preflight/columns db m: {"maxColumns":300} and Run with --update: it raises the limit of "db".',
  ])
  expect(await findings(wide(250), { ...given, update: true })).toEqual([])
})

test('more columns, or a table that is there, are parted into several', async () => {
  await resolution(wide(1500))
  const [line = ''] = await resolution(wide(300), {
    found: {},
    existing: { m: { tags: ['t'], fields: { f0: 'float', other: 'string' } } },
  })
  expect(line).toMatch(/^error preflight\/columns db m: \{"measurement":"m","splitFields":\{"m_2":\[/)
})

test('who sends such points to the dead letter is warned', async () => {
  const given = { mapping: { onInexpressible: 'dead-letter' } } as const
  const found = await findings(['m v=1 1', 'm v="x" 2', 'm,t=a\tb f=1 1'], given)
  expect(found.map((line) => line.replace(/:.*/, ''))).toEqual([
    'warning preflight/field-types db m.v (2)',
    'warning preflight/value db m (1)',
  ])
})
