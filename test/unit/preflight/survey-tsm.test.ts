/** Surveys of TSM files and WALs that were written byte by byte. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { ALL_TIME } from '../../../src/core/time.ts'
import { compileTransforms } from '../../../src/lines/transform/series-transform.ts'
import { normalizeTransform } from '../../../src/manifest/normalize-transform.ts'
import { scanStrings } from '../../../src/preflight/scan-strings.ts'
import { readSurveyJson, surveyJson, type Survey } from '../../../src/preflight/survey.ts'
import { SurveyBuilder, type Wanted } from '../../../src/preflight/survey-builder.ts'
import { surveyTsm } from '../../../src/preflight/survey-tsm.ts'
import { temporaryFolder } from '../../rig/temporary-folder.ts'
import { encodeBlock } from '../../rig/tsm-encode.ts'
import { integerBlock, writeTombstone, writeTsm, writeWal, type KeyToWrite } from '../../rig/tsm-files.ts'

const { signal } = new AbortController()
let folder: string
let paths: string[]

beforeEach(async () => {
  folder = join(await temporaryFolder(), '1')
  mkdirSync(folder)
  paths = [
    '000000001-000000001.tsm',
    '000000001-000000001.tombstone',
    '000000002-000000001.tsm',
    '_00001.wal',
  ].map((name) => join(folder, name))
})

const integers = (key: string | Buffer, ...times: number[]): KeyToWrite => ({
  key,
  type: 1,
  blocks: [integerBlock(times.map((time) => [BigInt(time), 1n] as const))],
})

function strings(key: string, texts: readonly [time: number, text: string | Buffer][]): KeyToWrite {
  const times = texts.map(([time]) => BigInt(time))
  const data = encodeBlock(
    3,
    times,
    texts.map(([, text]) => Buffer.from(text as string)),
  ).subarray(4)
  return { key, type: 3, blocks: [{ min: times[0] ?? 0n, max: times.at(-1) ?? 0n, data }] }
}

async function surveyed(wanted = new Map<string, Wanted>(), window = ALL_TIME): Promise<Survey> {
  const builder = new SurveyBuilder({ window, transform: undefined, partitionTemplate: undefined, wanted })
  const options = { window, memory: 16e6, temporaryFolder: folder, onDamage: undefined, signal }
  await surveyTsm(paths, options, (series) => builder.add(series))
  const survey = builder.result()
  expect(readSurveyJson(surveyJson(survey))).toEqual(survey)
  return survey
}

const typesOf = (survey: Survey, table: string) =>
  Object.fromEntries(
    [...(survey.tables.get(table)?.fields ?? [])].map(([field, types]) => [
      field,
      Object.fromEntries([...types].map(([type, { points }]) => [type, points])),
    ]),
  )

test('tags, fields and their types from indexes and the WAL; deleted ones are none; points where they are wanted', async () => {
  writeTsm(paths[0] ?? '', [
    integers('cpu,host=a#!~#f', 1, 2, 3),
    integers('cpu,host=a#!~#gone', 1, 2),
    integers('cpu,host=b\\ c,\\"x=y#!~#f', 5),
    integers(Buffer.from('cpu,host=\xff#!~#f', 'latin1'), 7, 8),
  ])
  writeTombstone(paths[1] ?? '', 4, [['cpu,host=a#!~#gone', 0n, 9n]])
  writeTsm(paths[2] ?? '', [
    strings('cpu,host=a#!~#f', [
      [4, 'text'],
      [6, 'more'],
    ]),
  ])
  writeWal(paths[3] ?? '', [
    {
      write: {
        'mem,host=a#!~#v': [
          [10n, 1.5],
          [11n, 2.5],
        ],
        'cpu,host=a#!~#f': [[12n, 'x']],
      },
    },
  ])

  const survey = await surveyed()
  expect([...survey.tables.keys()]).toEqual(['cpu', 'mem'])
  const cpu = survey.tables.get('cpu')
  expect(cpu).toMatchObject({ series: 2, first: 1n, last: 12n })
  expect([...(cpu?.tags.keys() ?? [])]).toEqual(['host', '\\"x'])
  expect(typesOf(survey, 'cpu')).toEqual({ f: { integer: undefined, string: undefined } })
  expect(typesOf(survey, 'mem')).toEqual({ v: { float: undefined } })
  expect([...survey.refused.values()]).toEqual([
    {
      measurement: 'cpu',
      reason: 'the tag value is not valid UTF-8',
      points: 2,
      examples: ['cpu,host=\ufffd'],
    },
  ])

  const wanted = (change: Partial<Wanted>) =>
    new Map([['cpu', { all: false, tags: new Set<string>(), fields: new Set<string>(), ...change }]])
  expect(typesOf(await surveyed(wanted({ fields: new Set(['f']) })), 'cpu')).toEqual({
    f: { integer: 4, string: 3 },
  })
  const byTag = await surveyed(wanted({ tags: new Set(['\\"x']) }))
  expect(byTag.tables.get('cpu')?.tags.get('\\"x')).toBe(1)
  expect(typesOf(await surveyed(wanted({}), { start: 4n, end: 13n }), 'cpu')).toEqual({
    f: { integer: undefined, string: undefined },
  })
  expect((await surveyed(wanted({}), { start: 2n, end: 6n })).tables.get('cpu')).toMatchObject({
    first: 2n,
    last: 5n,
  })
})

test('strings that are too long or not UTF-8 are counted after overwrites, and only where they stay strings', async () => {
  const long = 'x'.repeat(65_537)
  writeTsm(paths[0] ?? '', [
    strings('m,t=a#!~#s', [
      [1, 'short'],
      [2, long],
      [3, Buffer.from([0xff])],
      [4, 'x'.repeat(2 ** 20 + 1)],
      [5, 'x'.repeat(65_536)],
    ]),
    strings('m,t=a#!~#t', [[1, long]]),
  ])
  writeTsm(paths[2] ?? '', [
    strings('m,t=a#!~#s', [
      [2, 'overwritten'],
      [6, `"${'\\'.repeat(40_000)}"`],
    ]),
    integers('n#!~#i', 1),
  ])
  const scan = async (...rules: Parameters<typeof normalizeTransform>[0][]) => {
    const survey = await scanStrings({
      ...{ paths: [paths[0] ?? '', paths[2] ?? ''], window: ALL_TIME, memory: 64e6, temporaryFolder: folder },
      ...{ transform: compileTransforms(rules.map(normalizeTransform)), onDamage: undefined, signal },
    })
    return [...survey.refused.values()].map(({ measurement, reason, points, examples }) => [
      measurement,
      reason,
      points,
      ...examples,
    ])
  }
  const tooLong = 'the string is longer than 64 KiB'
  const others = [
    ['the string is not valid UTF-8', 1, 'm,t=a s at 1970-01-01T00:00:00.000000003Z'],
    ['the string is longer than 1048576 bytes', 1, 'm,t=a s at 1970-01-01T00:00:00.000000004Z'],
  ]
  expect(await scan()).toEqual([
    ...others.map((row) => ['m', ...row]),
    ['m', tooLong, 1, 'm,t=a t at 1970-01-01T00:00:00.000000001Z'],
  ])
  expect(await scan({ dropFields: ['t'], rename: 'other' })).toEqual(others.map((row) => ['other', ...row]))
  expect(await scan({ dropSeries: [{ t: 'a' }] })).toEqual([])
})
