import { describe, expect, it } from 'vitest'
import { loadText, manifestText } from '../../rig/manifest-text.ts'

type Parts = Parameters<typeof manifestText>[0]

const mappings = (...rows: string[]): Parts => ({
  mappings: `mappings:\n${rows.map((row) => `  - { source: s, ${row} }`).join('\n')}`,
})
const target = (rows: string): Parts => ({ target: `target:\n  url: https://c\n${rows}` })

async function linesOf(parts: Parts): Promise<string[]> {
  return (await loadText(manifestText(parts), { env: { T: 't' } })).lines
}

describe('rules: errors, each alone in its place', () => {
  it.each<[string, Parts, string]>([
    [
      'name',
      { head: 'apiVersion: influx-ferry/v1\nname: ../x' },
      '2:7+4 error manifest/bad-name: "../x" cannot be the name of a migration | letters, digits, ".", "_" and "-", a letter or digit first',
    ],
    [
      'reversed',
      { timeRange: 'timeRange: { start: 2023-01-01T00:00:00Z, end: 2020-01-01T00:00:00Z }' },
      '3:1+9 error time-range/reversed: the time range ends before it starts | write start: 2020-01-01T00:00:00Z, end: 2023-01-01T00:00:00Z',
    ],
    [
      'empty',
      { timeRange: 'timeRange: { start: 2020-01-01T00:00:00Z, end: 2020-01-01T00:00:00.000Z }' },
      '3:1+9 error time-range/empty: the time range is empty: start and end are the same time | end is not part of the range',
    ],
    [
      'no time',
      { timeRange: 'timeRange: { start: 2021-02-30T00:00:00Z }' },
      '3:21+20 error time-range/not-a-time: "2021-02-30T00:00:00Z" is not an RFC 3339 time | write date, time and zone: 2021-01-31T00:00:00Z',
    ],
    [
      'no zone',
      { timeRange: 'timeRange: { end: 2021-02-03T00:00:00 }' },
      '3:19+19 error time-range/not-a-time: "2021-02-03T00:00:00" is not an RFC 3339 time | write date, time and zone: 2021-01-31T00:00:00Z',
    ],
    [
      'outside',
      {
        timeRange: 'timeRange: { end: 2020-01-01T00:00:00Z }',
        ...mappings('database: d, retentionPolicy: r, target: x, timeRange: { start: 2020-01-01T00:00:00Z }'),
      },
      "9:62+9 error time-range/outside: this range is outside of the manifest's timeRange: nothing would be moved | a mapping's range narrows that of the manifest",
    ],
    [
      'two sources of one name',
      {
        sources:
          'sources:\n  - { name: s, kind: data-dir, dataDir: x }\n  - { name: s, kind: data-dir, dataDir: y }',
      },
      '5:13+1 error source/duplicate-name: another source is called "s" already',
    ],
    [
      'command line',
      {
        sources:
          'sources:\n  - { name: s, kind: data-dir, dataDir: x, reader: influx_inspect, command: docker exec db influx_inspect }',
      },
      '4:77+29 error manifest/command-line: a command with arguments must be a list | write [docker, exec, db, influx_inspect]; a program with a space in its path: ["docker exec db influx_inspect"]',
    ],
    [
      'no url',
      { target: '' },
      '1:1+27 error target/no-url: "target.url" is missing | write target: { url: https://cluster.example.com }',
    ],
    [
      'no url, environments',
      { target: '', environments: 'environments:\n  a: { target: { url: https://a } }' },
      '1:1+27 error target/no-url: "target.url" is missing | choose an environment: --env a',
    ],
    [
      'url without scheme',
      { target: 'target: { url: "cluster.example.com:8086" }' },
      '5:16+26 error target/bad-url: the target must be an http or https address | Example: https://cluster.example.com',
    ],
    [
      'url with query',
      { target: 'target: { url: https://c/x?db=1 }' },
      '5:16+16 error target/bad-url: the address of the cluster ends before "?" and "#" | write https://c/x',
    ],
    [
      'url with password',
      { target: 'target: { url: "https://u:p4ss@c" }' },
      '5:11+3 error target/bad-url: user and password do not belong in the address | the cluster takes tokens only; see "tokens"',
    ],
    [
      'literal token',
      target('  admin: { kind: api, token: hunter2 }'),
      '7:23+5 error manifest/literal-secret: a secret must not be written in the manifest | write ${INFLUX_MANAGEMENT_TOKEN} and set that variable, or { file: path } or { command: [program] }',
    ],
    [
      'token beside a variable',
      target('  admin: { kind: influxctl, token: "x${T}" }'),
      '7:29+5 error manifest/literal-secret: a secret must not be written in the manifest | write ${INFLUX_MANAGEMENT_TOKEN} and set that variable, or { file: path } or { command: [program] }',
    ],
    [
      'two logins',
      target('  admin: { kind: influxctl, profile: p, token: "${T}" }'),
      '7:38+1 error target/two-logins: "profile" and "token" exclude each other | a token is used with a temporary profile; keep one of the two',
    ],
    [
      'rate',
      target('  write: { limit: 20MB }'),
      '7:19+4 error manifest/not-a-rate: "20MB" is not a rate | write a size a second: 20MB/s',
    ],
    [
      'rate of nothing',
      target('  write: { limit: 0MB/s }'),
      '7:19+5 error manifest/not-a-rate: "0MB/s" is not a rate | write a size a second: 20MB/s',
    ],
    [
      'timeout',
      target('  write: { timeout: 30 sec }'),
      '7:21+6 error manifest/not-a-duration: "30 sec" is not a duration | write a number and ms, s, m, h or d: 30s',
    ],
    [
      'endless timeout',
      target('  write: { timeout: infinite }'),
      '7:21+8 error manifest/not-a-duration: "infinite" is not a duration | write a number and ms, s, m, h or d: 30s',
    ],
    [
      'no timeout',
      target('  write: { timeout: 0s }'),
      '7:21+2 error manifest/not-a-duration: "target.write.timeout" must be longer',
    ],
    [
      'size',
      target('  write: { batch: { bytes: ten } }'),
      '7:28+3 error manifest/not-a-size: "ten" is not a size | write a number and B, kB, MB, GB or MiB: 10MB',
    ],
    [
      'batch too large',
      target('  write: { batch: { bytes: 51MiB } }'),
      '7:28+5 error target/batch-too-large: the cluster refuses requests of more than 50 MiB | InfluxData advises 10MB',
    ],
    [
      'little memory',
      { spool: 'spool: { memory: 1MB }' },
      '9:18+3 error spool/too-little-memory: sorting needs at least 16MB | leave it out for 256MB',
    ],
    [
      'unknown source',
      {
        mappings:
          'mappings:\n  - { source: s, target: a, database: a, retentionPolicy: r }\n  - { source: ss, target: x }',
      },
      '9:15+2 error mapping/unknown-source: there is no source "ss" | sources: s',
    ],
    [
      'no policy',
      mappings('database: d, target: x'),
      '8:5+37 error mapping/missing-name: "mappings[0]" needs the key "retentionPolicy" | name one, or write retentionPolicy: "*" for all',
    ],
    [
      'bad name',
      mappings('database: a.b, retentionPolicy: r, target: "{database}/{retentionPolicy}"'),
      '8:61+30 error mapping/target-name: the target database "a.b/r" has the character ".": only letters, digits, "_", "/" and "-" are allowed | Example: a_b/r',
    ],
    [
      'bad template',
      mappings('database: "*", retentionPolicy: r, target: "{database}.{retentionPolicy}"'),
      '8:61+30 error mapping/target-name: the target database "*.r" has the character ".": only letters, digits, "_", "/" and "-" are allowed',
    ],
    [
      'long name',
      mappings(`database: ${'d'.repeat(63)}, retentionPolicy: r, target: "{database}/{retentionPolicy}"`),
      `8:121+30 error mapping/target-name: the target database "${'d'.repeat(63)}/r" is 65 bytes long: 64 are the most | Example: ${'d'.repeat(63)}/`,
    ],
    [
      'unknown placeholder',
      mappings('database: d, retentionPolicy: r, target: "x/{db}"'),
      '8:62+4 error mapping/unknown-placeholder: {db} is not known | there are {database} and {retentionPolicy}',
    ],
    [
      'retention',
      mappings('database: d, retentionPolicy: r, target: x, retentionPeriod: forever'),
      '8:79+7 error mapping/retention: "forever" is not a retention period | write source, infinite or a duration: 30d, 12h, 1y',
    ],
    [
      'short retention',
      mappings('database: d, retentionPolicy: r, target: x, retentionPeriod: 59m'),
      '8:79+3 error mapping/retention: a retention period is at least 1h | write 1h or more, or infinite',
    ],
    [
      'odd retention',
      mappings('database: d, retentionPolicy: r, target: x, retentionPeriod: 1h1s'),
      '8:79+4 error mapping/retention: a retention period is made of whole minutes | units: m h d w mo y',
    ],
    [
      'no time part',
      mappings('database: d, retentionPolicy: r, target: x, partitionTemplate: [{ type: tag, value: t }]'),
      '8:62+17 error mapping/partition-template: a partition template needs a time part | add { type: time, value: "%Y-%m" }',
    ],
    [
      'two time parts',
      mappings(
        'database: d, retentionPolicy: r, target: x, partitionTemplate: [{ type: time, value: "%Y" }, { type: time, value: "%Y-%m" }]',
      ),
      '8:111+30 error mapping/partition-template: a partition template has one time part | keep one',
    ],
    [
      'tag twice',
      mappings(
        'database: d, retentionPolicy: r, target: x, partitionTemplate: [{ type: time, value: "%Y" }, { type: tag, value: t }, { type: bucket, value: { tagName: t, numberOfBuckets: 3 } }]',
      ),
      '8:136+59 error mapping/partition-template: the tag "t" is there already | a tag is in one part only',
    ],
    [
      'eight tags',
      mappings(
        `database: d, retentionPolicy: r, target: x, partitionTemplate: [${[...'abcdefgh'].map((tag) => `{ type: tag, value: ${tag} }`).join(', ')}]`,
      ),
      '8:62+17 error mapping/partition-template: a partition template needs a time part | add { type: time, value: "%Y-%m" }',
    ],
    [
      'no token with admin none',
      target('  admin: { kind: none }'),
      '7:18+4 error token/none-given: with "kind: none" no token is created, and none is given | add tokens: [{ env: INFLUX_TOKEN }]',
    ],
    [
      'two given',
      { tokens: 'tokens:\n  - { env: T, token: "${T}" }' },
      '10:12+1 error token/two-given: "env" and "token" both give a token | keep one of them',
    ],
    [
      'given, with expiry',
      { tokens: 'tokens:\n  - { env: T, expiresAt: 2030-01-01T00:00:00Z }' },
      '10:26+20 error token/not-created: "expiresAt" is for tokens that are created, this one is given | remove "expiresAt"',
    ],
    [
      'literal given',
      { tokens: 'tokens:\n  - { token: apiv1_abc }' },
      '10:7+5 error manifest/literal-secret: a secret must not be written in the manifest | write ${INFLUX_TOKEN} and set that variable, or { file: path } or { command: [program] }',
    ],
    [
      'expiry',
      { tokens: 'tokens:\n  - { expiresAt: soon }' },
      '10:18+4 error time-range/not-a-time: "soon" is not an RFC 3339 time | write date, time and zone: 2030-01-31T00:00:00Z',
    ],
    [
      'unknown database',
      { tokens: 'tokens:\n  - { write: [d/R] }' },
      '10:15+3 error token/unknown-database: no mapping has the target "d/R" | did you mean "d/r"?',
    ],
    [
      'two tokens alike',
      { tokens: 'tokens:\n  - { description: a }\n  - { description: a }' },
      '11:20+1 error token/duplicate-description: another token has this description: they could not be told apart | write another description',
    ],
  ])('%s', async (_, parts, expected) => {
    expect(await linesOf(parts)).toEqual([expected])
  })
})

describe('rules about two mappings', () => {
  const year = (start: number) =>
    `timeRange: { start: ${start}-01-01T00:00:00Z, end: ${start + 1}-01-01T00:00:00Z }`

  it('refuses one policy moved twice in the same time', async () => {
    expect(
      await linesOf(
        mappings(
          `database: d, retentionPolicy: r, target: x, ${year(2020)}`,
          'database: d, retentionPolicy: r, target: y',
        ),
      ),
    ).toEqual([
      '9:5+57 error mapping/overlap: mappings[0] moves "d"."r" already, in 2020-01-01T00:00:00Z .. 2021-01-01T00:00:00Z | a point is moved by one mapping: give them time ranges that do not meet, or remove one',
    ])
  })

  it('allows one policy in parts, with the same settings', async () => {
    const part = (start: number, more = '') =>
      `database: d, retentionPolicy: r, target: x, ${year(start)}${more}`
    expect(await linesOf(mappings(part(2020), part(2021)))).toEqual([])
    expect(await linesOf(mappings(part(2020), part(2021, ', maxColumns: 500')))).toEqual([
      '9:145+3 error mapping/settings-differ: "maxColumns" differs from mappings[0], which fills the same database | write the same in both',
    ])
  })

  it('refuses two policies in one target', async () => {
    expect(
      await linesOf(
        mappings(
          'database: d, retentionPolicy: r, target: x/y',
          'database: x, retentionPolicy: y, target: "{database}/{retentionPolicy}"',
        ),
      ),
    ).toEqual([
      '9:59+30 error mapping/target-collision: mappings[0] fills "x/y" already: points of the two would replace each other | give each source database and retention policy a target of its own',
    ])
  })

  it('refuses a mapping that an earlier wildcard leaves nothing', async () => {
    expect(
      await linesOf(
        mappings(
          'database: d, retentionPolicy: "*", target: "{database}/{retentionPolicy}"',
          'database: d, retentionPolicy: r, target: x',
        ),
      ),
    ).toContain(
      '9:5+57 error mapping/shadowed: nothing is left for this mapping: mappings[0] ("d"."*") comes first and takes "d"."r" | put the more exact mapping first',
    )
  })

  it('allows the exact one first, and warns when it moves only a part', async () => {
    const rest = 'database: d, retentionPolicy: "r*", target: "{database}/{retentionPolicy}"'
    expect(await linesOf(mappings('database: d, retentionPolicy: r, target: x', rest))).toEqual([])
    expect(
      await linesOf(mappings(`database: d, retentionPolicy: r, target: x, ${year(2020)}`, rest)),
    ).toEqual([
      '9:5+89 warning mapping/partly-left-out: this mapping leaves "d"."r" to mappings[0], which moves only 2020-01-01T00:00:00Z .. 2021-01-01T00:00:00Z | what lies outside that range is not moved; add a mapping for it if it should be',
    ])
  })
})

describe('warnings and notes', () => {
  it.each<[string, Parts, string]>([
    [
      'unused source',
      {
        sources:
          'sources:\n  - { name: s, kind: data-dir, dataDir: x }\n  - { name: t, kind: data-dir, dataDir: y }',
      },
      '5:13+1 warning source/unused: no mapping uses the source "t" | nothing of it is moved; add a mapping or remove the source',
    ],
    [
      'no encryption',
      { target: 'target: { url: "http://10.0.0.5:8080" }' },
      '5:16+22 warning target/unencrypted: tokens and data go over the network unencrypted | write https://10.0.0.5:8080',
    ],
    [
      'no certificate check',
      target('  tls: { insecure: true }'),
      '7:20+4 warning target/unchecked-certificate: the certificate is not checked: anyone on the way can read the token | write tls: { ca: file.pem } with the certificate of your authority',
    ],
    [
      'autogen',
      mappings('database: d, retentionPolicy: autogen, target: "{database}/{retentionPolicy}"'),
      '8:65+30 note mapping/autogen: v1 clients that use db=d with rp=autogen or no rp will reach the database "d", not "d/autogen" | let them use db=d/autogen without rp, or bucket=d/autogen; or write target: "d"',
    ],
    [
      'autogen behind a wildcard',
      mappings('database: "*", retentionPolicy: "*", target: "{database}/{retentionPolicy}"'),
      '8:63+30 note mapping/autogen: v1 clients that use db=NAME with rp=autogen or no rp will reach the database "NAME", not "NAME/autogen" | let them use db=NAME/autogen without rp, or bucket=NAME/autogen; or give that policy a mapping of its own before this one, with target: "{database}"',
    ],
    [
      'upper case',
      mappings('database: d, retentionPolicy: Raw, target: d/Raw'),
      '8:61+5 note mapping/upper-case: v1 clients that write with rp=Raw will reach "d/raw": the cluster writes with the rp in lower case | let them use db=d/Raw without rp, or bucket=d/Raw',
    ],
  ])('%s: said, and the manifest loads', async (_, parts, expected) => {
    const { lines, migration } = await loadText(manifestText(parts))
    expect(lines).toEqual([expected])
    expect(migration).toBeDefined()
  })

  it.each(['http://localhost:8080', 'http://127.0.0.1:1', 'http://[::1]:1'])(
    'does not warn about %s',
    async (url) => {
      expect(await linesOf({ target: `target: { url: "${url}" }` })).toEqual([])
    },
  )

  it('keeps notes for when nothing is wrong', async () => {
    const parts = {
      ...mappings('database: d, retentionPolicy: autogen, target: d/autogen'),
      spool: 'spool: { memory: 1MB }',
    }
    expect((await linesOf(parts)).map((line) => line.split(' ')[1])).toEqual(['error'])
  })
})

it('shows missing variables and broken rules together, but nothing twice', async () => {
  const { lines } = await loadText(manifestText({ target: 'target:\n  url: ${URL}\n  write: { limit: x }' }))
  expect(lines.map((line) => line.split(':').slice(0, 2).join(':'))).toEqual([
    '6:8+6 error manifest/missing-variable',
    '7:19+1 error manifest/not-a-rate',
  ])
})
