import { expect, it } from 'vitest'
import { loadText, manifestText } from '../../rig/manifest-text.ts'

async function findings(rules: string, more: Parameters<typeof manifestText>[0] = {}): Promise<string[]> {
  const mappings = `mappings:\n  - source: s\n    database: d\n    retentionPolicy: r\n    target: t\n    transforms:\n${rules
    .split('\n')
    .map((rule) => `      - ${rule}`)
    .join('\n')}`
  const { lines } = await loadText(manifestText({ ...more, mappings }), { env: { T: 't' } })
  return lines
    .filter((line) => line.includes(' transform/'))
    .map((line) => line.replace(/^\d+:(\d+)\+(\d+) (\w+) transform\//, '$1+$2 $3 '))
}

it.each<[string, string, string[]]>([
  [
    'nothing to say',
    '{ measurement: m, renameTags: { a: b }, setTags: { c: d }, rename: "{measurement}_x" }',
    [],
  ],
  [
    'no change',
    '{ measurement: m }',
    ['9+18 error nothing: this rule changes nothing | say what it does, or take it out'],
  ],
  [
    'drop, and more',
    '{ drop: true, dropTags: [a] }',
    [
      '17+4 error drop-and-more: the measurement is not moved at all: "dropTags" would do nothing | take "drop: true" out, or all the others',
    ],
  ],
  [
    'kept and dropped',
    '{ keepFields: [a, b], dropFields: [b], keepSeries: [{ x: y }], dropSeries: [{ x: y }] }',
    [
      '44+1 error kept-and-dropped: "b" is in "keepFields" as well | take it out of one of them',
      '85+8 error kept-and-dropped: this is in "keepSeries" as well | take it out of one of them',
    ],
  ],
  [
    'dropped before it is made a field, or a tag, or gets a name',
    '{ dropTags: [h*], tagsToFields: [host], keepFields: [f], fieldsToTags: [g], renameFields: { g: x } }',
    [
      '42+4 error too-late: "host" is dropped before "tagsToFields" has its turn | keys of a rule are applied in the documented order; a rule before this one can do it first',
      '81+1 error too-late: "g" is dropped before "fieldsToTags" has its turn | keys of a rule are applied in the documented order; a rule before this one can do it first',
      '101+1 error too-late: "g" is made a tag before "renameFields" has its turn | keys of a rule are applied in the documented order; a rule before this one can do it first',
    ],
  ],
  [
    'two tags with one name',
    '{ renameTags: { a: x, b: x }, setTags: { x: y } }',
    [
      '34+1 error same-name: "a" is called "x" already | one tag would be lost: give them two names',
      '53+1 error renamed-and-set: a tag gets the name "x" by "renameTags", and is replaced right after | take one of them out',
    ],
  ],
  [
    'two fields with one name are one field',
    '{ renameFields: { a: x, b: x } }',
    [
      '36+1 warning fields-become-one: "a" and "b" become one field | of two values at one time, that of "b" is kept: the name that sorts later',
    ],
  ],
  [
    'names that cannot be',
    '{ renameTags: { a: time }, renameFields: { b: time }, splitByType: { c: { string: "x\\\\" } }, rename: "#x", setTags: { "": x } }',
    [
      'error bad-name: "time" is the name of the time itself: no tag can be called so',
      'error bad-name: "time" is the name of the time itself: no field can be called so',
      'error bad-name: "x\\" ends in a backslash: no field can be called so',
      'error bad-name: "#x" starts a comment in line protocol: no measurement can be called so',
      'error bad-name: "" is empty: no tag can be called so',
    ],
  ],
  [
    'placeholders',
    '{ rename: "{database}_{measurement}" }\n{ splitFields: { "{measurement}_a": [a] } }',
    [
      'error unknown-placeholder: {database} is not known | there is {measurement}',
      'error unknown-placeholder: only "rename" knows {measurement} | write a name, in a rule for one measurement; rules after this one can rename it',
    ],
  ],
  [
    'a field for two measurements',
    '{ splitFields: { x: [a, b], y: [b] } }',
    ['error field-in-two: "b" goes to "x" already | a field goes to one measurement'],
  ],
  [
    'series chosen by what was a field',
    '{ measurement: m, fieldsToTags: [s], renameTags: { s: t } }\n{ measurement: "*", keepSeries: [{ t: x }] }\n{ measurement: n, dropSeries: [{ s: x }] }',
    [
      'error choice-by-value: "t" was a field: series cannot be chosen by it | a field\'s values differ from row to row; choose by a tag of the source',
    ],
  ],
])('%s', async (_, rules, expected) => {
  const found = await findings(rules)
  const isPlaced = expected.every((line) => /^\d/.test(line))
  expect(isPlaced ? found : found.map((line) => line.replace(/^\d+\+\d+ /, ''))).toEqual(expected)
})

it('a range that times are cut over', async () => {
  const timeRange = 'timeRange: { start: 2020-01-01T00:00:30Z, end: 2021-01-01T00:00:00Z }'
  expect(await findings('{ precision: m }', { timeRange })).toEqual([
    '22+1 error range-cut: times are cut to m, and the time range has a start between: 2020-01-01T00:00:30Z | let the range start and end at a whole one',
  ])
  expect(await findings('{ precision: s }', { timeRange })).toEqual([])
})
