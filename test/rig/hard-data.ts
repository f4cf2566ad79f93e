/**
 * Fills a real influxd with what migrations get wrong, and says what it must answer afterwards. The values are fixed;
 * only the recent points of the finite policy move with the clock.
 */
import type { Influxd } from './influxd.ts'
import { identifier } from './influxql.ts'
import { Ledger } from './ledger.ts'
import { boolean, float, integer, string, type FieldValue, type Line } from './points.ts'

const SECOND = 1_000_000_000n
const HOUR = 3600n * SECOND
const DAY = 24n * HOUR
/** 2021-03-01T00:00:00Z, a Monday: the start of a shard group of seven days. */
export const MONDAY = 1_614_556_800n * SECOND
/** The first and the last time that influxd takes. */
export const FIRST_TIME = -9223372036854775806n
export const LAST_TIME = 9223372036854775806n

export interface HardDataOptions {
  /** Series in the `many` database. Default 3000. */
  series?: number
  /** Also deletes points that are still in the WAL, which influx_inspect brings back to life. Default false. */
  walDeletes?: boolean
  /** Also databases that v3 cannot take as they are: see {@link HardDatabase.kind}. Default false. */
  inexpressible?: boolean
}

export interface HardDatabase {
  database: string
  retentionPolicy: string
  /** Nanoseconds, 0n is infinite. */
  duration: bigint
  /**
   * `plain`: arrives as it is. `wal-deletes`: has deletes in the WAL. `refused-names` has points that v3 line protocol
   * cannot express (tabs in names) or a cluster refuses (a tag and a field of one name, strings beyond 64 KiB).
   * `type-change`: a field has another type in another shard.
   */
  kind: 'plain' | 'wal-deletes' | 'refused-names' | 'type-change'
  /** What `readBack` gives. */
  expected(): string[]
}

/** Leaves data in several TSM generations and, newer, in the WAL. influxd runs on, with a long `snapshotAfter`. */
export async function fillWithHardData(
  influxd: Influxd,
  options: HardDataOptions = {},
): Promise<HardDatabase[]> {
  const { made, ledger } = ledgers(influxd)
  await influxd.restart({ snapshotAfter: '1s' })
  const plant = await ledger('plant', 'autogen')
  const hourly = await ledger('plant', 'stündlich 1h', { shard: '1h' })
  const recent = await ledger('plant', 'recent', { days: 30, shard: '1d' })
  const names = await ledger('Werk Süd 2', 'zwei Jahre')
  const extremes = await ledger('extremes', 'autogen')
  const many = await ledger('many', 'autogen', { shard: '1d' })

  // First generation.
  await plant.write([...overwritten(1), ...sparse(), ...texts()])
  await hourly.write(hours())
  await recent.write(lastDays())
  await names.write(named())
  await extremes.write(ends())
  await many.write(manySeries(options.series ?? 3000))
  const refused = options.inexpressible
    ? await ledger('refused', 'autogen', { kind: 'refused-names' })
    : undefined
  await refused?.write(refusedLines())
  const changing = options.inexpressible
    ? await ledger('types', 'autogen', { kind: 'type-change' })
    : undefined
  await changing?.write(typeChanges())
  await influxd.snapshotted()

  // Second generation, over the first; then a delete that becomes a tombstone, since no point is in the WAL.
  await plant.write(overwritten(2))
  await names.write(named().map((line) => ({ ...line, fields: { f: float(2.5) } })))
  await influxd.snapshotted()
  await hourly.delete('deleted', MONDAY + HOUR, MONDAY + 3n * HOUR)

  // The WAL, over both.
  await influxd.restart({ snapshotAfter: '24h' })
  await plant.write(overwritten(3))
  await extremes.write([{ ...line('wal', LAST_TIME, { i: integer(1n) }) }, ...repeatedInOneRequest()])
  if (options.walDeletes) await deleteInWal(await ledger('deletes', 'autogen', { kind: 'wal-deletes' }))
  return made
}

/**
 * Leaves two databases in the WAL: in `deletes` one shard group has deletes and another one has none; `spared` has none.
 * influxd runs on, with a long `snapshotAfter`.
 */
export async function fillWithWalDeletes(influxd: Influxd): Promise<HardDatabase[]> {
  const { made, ledger } = ledgers(influxd)
  await influxd.restart({ snapshotAfter: '24h' })
  const deletes = await ledger('deletes', 'autogen', { kind: 'wal-deletes' })
  await deletes.write([line('n', MONDAY + 7n * DAY, { f: float(1) }, { group: 'other' })])
  await deleteInWal(deletes)
  const spared = await ledger('spared', 'autogen')
  await spared.write(range(30).map((i) => line('m', MONDAY + BigInt(i) * SECOND, { f: float(i) })))
  return made
}

async function deleteInWal(deletes: Ledger): Promise<void> {
  await deletes.write(range(20).map((i) => line('m', MONDAY + BigInt(i) * SECOND, { f: float(i) })))
  await deletes.delete('m', MONDAY + 5n * SECOND, MONDAY + 9n * SECOND)
  await deletes.write([line('m', MONDAY + 6n * SECOND, { f: float(66) })]) // deleted and written again
}

/** Makes databases and policies, and a ledger for each. */
function ledgers(influxd: Influxd) {
  const made: HardDatabase[] = []
  const ledger = async (
    database: string,
    policy: string,
    {
      kind = 'plain',
      days = 0,
      shard = '7d',
    }: { kind?: HardDatabase['kind']; days?: number; shard?: string } = {},
  ) => {
    const [db, rp] = [identifier(database), identifier(policy)]
    const duration = `DURATION ${days === 0 ? 'INF' : `${days}d`} REPLICATION 1 SHARD DURATION ${shard}`
    const first = !made.some((one) => one.database === database)
    await influxd.query(
      first
        ? `CREATE DATABASE ${db} WITH ${duration} NAME ${rp}`
        : `CREATE RETENTION POLICY ${rp} ON ${db} ${duration}`,
    )
    const one = new Ledger(influxd, database, policy)
    made.push({
      database,
      retentionPolicy: policy,
      duration: BigInt(days) * DAY,
      kind,
      expected: () => one.expected(),
    })
    return one
  }
  return { made, ledger }
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i)
const line = (measurement: string, time: bigint, fields: Record<string, FieldValue>, tags = {}): Line => ({
  measurement,
  tags,
  fields,
  time,
})

/** Points of all types, of which each generation writes a part again with other values. */
const overwritten = (generation: number): Line[] =>
  range(200)
    .filter((i) => i % generation === 0)
    .map((i) =>
      line(
        'machine',
        MONDAY + BigInt(i) * 3n * HOUR, // some of them in each of four shard groups
        {
          // A string and a number overwritten alone leave the other fields of the row in older files.
          ...(generation < 3 && { temperature: float(20 + i / 10 + generation) }),
          ...(generation !== 2 && { state: string(`state ${i} of generation ${generation}`) }),
          count: integer(BigInt(i) * 10n + BigInt(generation)),
          running: boolean((i + generation) % 2 === 0),
        },
        { line: `L${i % 3}`, site: 'Süd' },
      ),
    )

/** One series, twelve fields, of which each time has other ones. */
const sparse = (): Line[] =>
  range(300).map((i) => {
    const fields = range(12).filter((f) => (i * 7 + f * 5) % 11 < 3 || f === i % 12)
    return line(
      'sparse',
      MONDAY + BigInt(i) * SECOND,
      Object.fromEntries(fields.map((f) => [`f${f}`, float((i * f) / 8)])),
      { host: 'a' },
    )
  })

/** Strings that are not what they look like. */
const texts = (): Line[] =>
  [
    '',
    ' ',
    'a "quoted" word',
    'back\\slash, C:\\new\\table, and one at the end\\',
    '\\"',
    '\\\\',
    'two\nlines',
    'two\r\nlines',
    'tab\tand, comma = equals',
    '# not a comment',
    'x\n# CONTEXT-DATABASE:other\n# DML\nCREATE DATABASE other WITH NAME autogen\n',
    'x"\nmachine,line=L0 count=1i 1614556800000000000\n',
    'Grüße, 日本, 😀, e\u0301',
    'skipped missing file: /data/x.tsm',
    `${'long '.repeat(12_000)}\n"end"`, // 60 kB
    '\u0001\u007f\u0000',
  ].map((text, i) =>
    line('texts', MONDAY + BigInt(i), { text: string(text), length: integer(BigInt(text.length)) }),
  )

/** Many small shard groups, and a measurement that is deleted from in part. */
const hours = (): Line[] =>
  range(48).flatMap((i) => {
    const time = MONDAY + BigInt(i) * HOUR
    return [
      // The last nanosecond of one group and the first of the next.
      line('hours', time - 1n, { f: float(i + 0.25) }, { edge: 'last' }),
      line('hours', time, { f: float(i + 0.5) }, { edge: 'first' }),
      ...(i < 4 ? [line('deleted', time, { f: float(i) }, { a: 'b' })] : []),
    ]
  })

/** Points of the last days, for the policy that drops older ones. */
const lastDays = (): Line[] => {
  const now = BigInt(Date.now()) * 1_000_000n
  return range(40).map((i) =>
    line('recent', now - BigInt(i) * 12n * HOUR, { load: float(i / 3) }, { host: 'ä b' }),
  )
}

/** Names and tag values of every kind that v3 can express. */
const named = (): Line[] => {
  const odd = [
    'a,b',
    'a=b',
    'a b',
    'C:\\temp\\x',
    '\\\\server\\share',
    'a"b"',
    "it's",
    'Süd/日本',
    '😀',
    'a.b:c',
    '#1',
    'true',
  ]
  return [
    ...odd.map((name, i) =>
      line(name === '#1' ? 'x#1' : name, MONDAY + BigInt(i), { f: float(i) }, { t: 'x' }),
    ),
    ...odd.map((name, i) => line('keys', MONDAY + BigInt(i), { f: float(i) }, { [name]: 'x' })),
    ...odd.map((name, i) => line('values', MONDAY + BigInt(i), { f: float(i) }, { t: name })),
    ...odd.map((name, i) =>
      line('fields', MONDAY + BigInt(i), { [name]: float(i), f: float(i) }, { t: 'x' }),
    ),
    line('no tags', MONDAY, { f: float(1) }),
  ]
}

/** Both ends of time, of integers and of floats. */
const ends = (): Line[] => {
  const times = [FIRST_TIME, FIRST_TIME + 1n, -DAY, -1n, 0n, 1n, MONDAY, LAST_TIME - 1n, LAST_TIME]
  const integers = [-(2n ** 63n), 2n ** 63n - 1n, 0n, -1n, 2n ** 53n + 1n, -(2n ** 53n) - 1n]
  const floats = [
    Number.MAX_VALUE,
    -Number.MAX_VALUE,
    Number.MIN_VALUE,
    2.2250738585072014e-308,
    0,
    -0,
    0.1,
    0.1 + 0.2,
    1e21,
    1e-7,
    123456789012345680000,
    9007199254740993,
    1 / 3,
  ]
  return [
    ...times.map((time, i) => line('times', time, { i: integer(BigInt(i)), f: float(i / 2) }, { t: 'x' })),
    ...integers.map((value, i) => line('integers', MONDAY + BigInt(i), { i: integer(value) })),
    ...floats.map((value, i) => line('floats', MONDAY + BigInt(i), { f: float(value) })),
    // A step from one end to the other, in one block with small steps.
    ...range(50).map((i) =>
      line('steps', MONDAY + BigInt(i) * SECOND, { i: integer(i % 2 ? 2n ** 63n - 1n : -(2n ** 63n)) }),
    ),
  ]
}

/** The same point three times in one request, unsorted: the last one counts. */
const repeatedInOneRequest = (): Line[] =>
  [3, 1, 2, 1, 3, 1].map((second, i) => line('repeated', MONDAY + BigInt(second) * SECOND, { f: float(i) }))

const manySeries = (count: number): Line[] =>
  range(count).flatMap((i) =>
    range(3).map((j) =>
      line(
        `metric ${i % 7}`,
        MONDAY + BigInt(j) * 16n * HOUR + BigInt(i), // no two series share a time
        { value: float(i + j / 4), ok: boolean(i % 2 === 0) },
        { host: `host-${i % 100}`, id: String(i) },
      ),
    ),
  )

const refusedLines = (): Line[] => [
  line('good', MONDAY, { f: float(1) }, { t: 'x' }),
  line('tab\there', MONDAY, { f: float(2) }, { t: 'x' }),
  line('tabs', MONDAY, { f: float(3) }, { t: 'a\tb' }),
  line('tabs', MONDAY, { 'a\tb': float(4) }, { t: 'x' }),
  line('clash', MONDAY, { t: float(5), f: float(6) }, { t: 'x' }),
  line('long', MONDAY, { s: string('x'.repeat(70_000)) }, { t: 'x' }),
]

/** Types that influxd does not turn into one another, each in a shard group of its own. */
const typeChanges = (): Line[] => [
  ...range(5).map((i) =>
    line('m', MONDAY + BigInt(i) * SECOND, { a: float(i), b: integer(BigInt(i)), same: float(i) }),
  ),
  ...range(5).map((i) =>
    line('m', MONDAY + 7n * DAY + BigInt(i) * SECOND, {
      a: string(`${i}`),
      b: boolean(true),
      same: float(i),
    }),
  ),
]
