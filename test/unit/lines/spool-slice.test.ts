import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Failure } from '../../../src/core/failure.ts'
import { MAX_LINE_BYTES } from '../../../src/lines/line-reader.ts'
import { spoolSlice } from '../../../src/lines/spool-slice.ts'
import { chunked, linesOf, spoolDefaults, spooled } from '../../rig/spooling.ts'

describe('lines become v3 rows', () => {
  test.each([
    ['one point', 'cpu,host=a v=1 1\n', 'cpu,host=a v=1 1\n'],
    ['no newline at the end', 'cpu v=1 1', 'cpu v=1 1\n'],
    ['fields of a row, sorted', 'm b=1 5\nm a=2i 5\n', 'm a=2i,b=1 5\n'],
    ['the later value wins', 'm a=1 5\nm a=2 6\nm a=3 5\n', 'm a=3 5\nm a=2 6\n'],
    ['the later value on a line wins', 'm a=1,a=2 5\n', 'm a=2 5\n'],
    ['series sorted by bytes', 'b v=1 1\na v=1 2\nB v=1 3\n', 'B v=1 3\na v=1 2\nb v=1 1\n'],
    ['times sorted', 'm v=1 2\nm v=2 -1\nm v=3 0\n', 'm v=2 -1\nm v=3 0\nm v=1 2\n'],
    ['tags sorted', 'm,b=1,a=2 v=1 1\n', 'm,a=2,b=1 v=1 1\n'],
    [
      'an empty tag is left out, and the series is that without',
      'm,a=,b=1 v=1 1\nm,b=1 v=2 1\n',
      'm,b=1 v=2 1\n',
    ],
    [
      'blank lines, comments, DDL',
      '\n  \n# CREATE "x\nCREATE DATABASE d WITH NAME r\nCREATE RETENTION POLICY r ON d\nm v=1 1\n',
      'm v=1 1\n',
    ],
    ['spaces 1.x allows', '  m   v=1   1  \n', 'm v=1 1\n'],
    ['Windows line ends', 'm v=1 1\r\nm v=2 2\r\n', 'm v=1 1\nm v=2 2\n'],
    [
      'newlines and DDL in strings',
      'm s="a\nCREATE DATABASE x\n# b" 1\nm s="c" 2\n',
      'm s="a\nCREATE DATABASE x\n# b" 1\nm s="c" 2\n',
    ],
    ['a quote that is escaped', 'm s="a\\" 1\\\\" 1\n', 'm s="a\\" 1\\\\" 1\n'],
    ['a backslash in a tag', 'm,p=C:\\\\dir\\x v=1 1\n', 'm,p=C:\\\\\\\\dir\\\\x v=1 1\n'],
    ['a quote in a field key', 'm f\\"k=1 1\n', 'm f"k=1 1\n'],
    ['a quote in a field key before a string', 'm f"k="x y",g"="z" 1\n', 'm f"k="x y",g"="z" 1\n'],
    ['floats of a hand-written file', 'm a=1.,b=.5,c=1.e3 1\n', 'm a=1,b=0.5,c=1e3 1\n'],
    ['booleans', 'm a=t,b=FALSE 1\nm a=T 2\n', 'm a=true,b=false 1\nm a=true 2\n'],
    [
      'types that differ stay as they are',
      'm a=1 1\nm a=1i 2\nm a="1" 3\n',
      'm a=1 1\nm a=1i 2\nm a="1" 3\n',
    ],
    [
      'both ends of int64',
      'm v=9223372036854775807i 9223372036854775807\nm v=-9223372036854775808i -9223372036854775808\n',
      'm v=-9223372036854775808i -9223372036854775808\nm v=9223372036854775807i 9223372036854775807\n',
    ],
    ['a measurement called CREATE', 'CREATE DATABASE=1 1\n', 'CREATE DATABASE=1 1\n'],
  ])('%s', async (_, source, want) => {
    expect(await linesOf(source)).toBe(want)
    expect(
      (await spooled(chunked(Buffer.from(source), [...Array(source.length).keys()]))).text.toString(),
    ).toBe(want)
  })
})

describe('what cannot be sent is in the dead letter with its reason', () => {
  test.each([
    ['m,time=1 v=1 1', 'the tag is called time'],
    ['m time=1 1', 'the field is called time'],
    ['m,a=x\ty v=1 1', 'the tag value holds a tab'],
    ['m,a=x\\\ny v=1 1', 'the tag value holds a newline'],
    ['m v=NaN 1', 'NaN is not a value in v3 line protocol'],
    ['garbage', 'line 2: missing fields'],
    ['m v=1', 'line 2: missing timestamp'],
    ['m v=1 now', 'line 2: bad timestamp'],
    ['m v=1 1 1', 'line 2: bad timestamp'],
    ['m v=1 9223372036854775808', 'line 2: the timestamp is out of range'],
    ['m v=1 -99999999999999999999', 'line 2: the timestamp is out of range'],
    ['m v= 1', 'line 2: missing field value'],
    ['m =1 1', 'line 2: missing field key'],
    ['m v 1', 'line 2: invalid field format'],
    ['m v="a"b 1', 'line 2: invalid field format'],
    ['m v=1x 1', 'line 2: invalid number'],
    ['m,a v=1 1', 'line 2: missing tag value'],
    ['m,=a v=1 1', 'line 2: missing tag key'],
    ['m,a=1=2 v=1 1', 'line 2: invalid tag format'],
    ['m,a=1,a=2 v=1 1', 'line 2: duplicate tags'],
    [',a=1 v=1 1', 'line 2: missing measurement'],
    [`m,a=${'x'.repeat(65_540)} v=1 1`, 'line 2: max key length exceeded'],
  ])('%j: %s', async (line, reason) => {
    const { counts, letters, text } = await spooled(`a v=1 1\n${line}\nz v=1 1\n`)
    expect(letters).toEqual([{ slice: 'm/0_1', by: 'influx-ferry', reason, line, points: 1 }])
    expect(counts).toMatchObject({ pointsRead: 3, points: 2, refusedPoints: 1 })
    expect(text.toString()).toBe('a v=1 1\nz v=1 1\n')
  })

  test('of a line with several fields only the one that cannot be sent', async () => {
    const { text, letters, counts } = await spooled('m,h=a v=1,time=2,w="x y" 7 \n')
    expect(text.toString()).toBe('m,h=a v=1,w="x y" 7\n')
    expect(letters.map(({ line, points }) => ({ line, points }))).toEqual([
      { line: 'm,h=a time=2 7', points: 1 },
    ])
    expect(counts).toMatchObject({ pointsRead: 3, points: 2, refusedPoints: 1 })
  })

  test('a line of a refused series counts all its points', async () => {
    const { letters, counts } = await spooled('m,time=1 a=1,b=2 7\n')
    expect(letters).toMatchObject([{ line: 'm,time=1 a=1,b=2 7', points: 2 }])
    expect(counts).toMatchObject({ pointsRead: 2, refusedPoints: 2, rows: 0, batches: 0 })
  })

  test('bytes that are not UTF-8 are kept as base64', async () => {
    const line = Buffer.from('m s="\xff" 1', 'latin1')
    const { letters } = await spooled(Buffer.concat([line, Buffer.from('\n')]))
    expect(letters).toMatchObject([{ encoding: 'base64', line: line.toString('base64') }])
  })

  test('a refused value is not replaced by the older one it overwrote', async () => {
    const { text, counts } = await spooled('m a=1 1\nm a=NaN 1\nm b=1 1\nm c=NaN 1\nm c=2 1\n', { memory: 1 })
    expect(text.toString()).toBe('m b=1,c=2 1\n')
    expect(counts).toMatchObject({ pointsRead: 5, points: 2, overwritten: 1, refusedPoints: 2 })
  })

  test('an unclosed quote takes the rest, as in 1.x, and says so', async () => {
    const { letters, text } = await spooled('m v=1 1\nm s="a 2\nm v=3 3\n')
    expect(letters).toMatchObject([{ reason: 'line 2: unbalanced quotes', points: 1 }])
    expect(text.toString()).toBe('m v=1 1\n')
  })

  test('lines are counted with those in strings', async () => {
    const { letters } = await spooled('m s="a\nb" 1\nm s="a\nb" 2\n\n# x\nm,s=1 t="a\nb",u="\n" 2\noops\n')
    expect(letters).toMatchObject([{ reason: 'line 10: missing fields' }])
  })

  test("of lines with #, only influx_inspect's own are comments in its output", async () => {
    const text =
      '# INFLUXDB EXPORT: a - b\n# DML\n# CONTEXT-DATABASE:db\n# writing tsm data\n#m v=1 1\n# v=2 2\n'
    const { letters } = await spooled(text, { comments: 'influx_inspect' })
    expect(letters.map(({ line }) => line)).toEqual(['#m v=1 1', '# v=2 2'])
  })

  test('a line with # is a point where there are no comments', async () => {
    const { letters } = await spooled('#m v=1 1\n', { comments: 'none' })
    expect(letters).toMatchObject([
      { reason: 'the measurement starts with #, which makes the line a comment' },
    ])
  })
})

test('points outside the window are filtered: the start is in it, the end is not', async () => {
  const { text, counts } = await spooled('m v=1 1\nm v=2 2\nm v=3 3\nm v=4 4\nm v=5,w=5 5\n', {
    window: { start: 2n, end: 4n },
  })
  expect(text.toString()).toBe('m v=2 2\nm v=3 3\n')
  expect(counts).toMatchObject({ pointsRead: 6, points: 2, filtered: 4 })
})

test('a row of 1000 fields of 60 kB, with less memory than it has bytes, is alone in its batch', async () => {
  const string = `"${'x'.repeat(60_000)}"`
  async function* source() {
    yield Buffer.from('m f0000=0 0\n')
    for (let i = 0; i < 1000; i++) yield Buffer.from(`m f${String(i).padStart(4, '0')}=${string} 1\n`)
    yield Buffer.from('m f0000=2 2\n')
  }
  const { index, text } = await spooled(source(), { memory: 8e6, batch: { lines: 10_000, bytes: 10e6 } })
  expect(index.batches.map(({ lines, points }) => ({ lines, points }))).toEqual([
    { lines: 1, points: 1 },
    { lines: 1, points: 1000 },
    { lines: 1, points: 1 },
  ])
  const fields = Array.from({ length: 1000 }, (_, i) => `f${String(i).padStart(4, '0')}=${string}`).join()
  expect(text.equals(Buffer.from(`m f0000=0 0\nm ${fields} 1\nm f0000=2 2\n`))).toBe(true)
  // The same as one line, larger than all memory.
  const oneLine = await spooled(`m f0000=0 0\nm ${fields} 1\nm f0000=2 2\n`, { memory: 8e6 })
  expect(oneLine.text.equals(text)).toBe(true)
}, 60_000)

test('many series with sparse fields, more than fields are looked at one by one', async () => {
  const want: string[] = []
  const source: string[] = []
  for (let s = 0; s < 30; s++) {
    for (let t = 0; t < 40; t++) {
      const fields = Array.from({ length: 40 }, (_, f) => f).filter((f) => (s + t * 7 + f * 3) % 5 === 0)
      if (fields.length > 0) want.push(`m,s=${s + 10} ${fields.map((f) => `f${f + 10}=${t}`).join()} ${t}\n`)
    }
    for (let f = 39; f >= 0; f--) {
      for (let t = 39; t >= 0; t--) {
        if ((s + t * 7 + f * 3) % 5 === 0) source.push(`m,s=${s + 10} f${f + 10}=${t} ${t}\n`)
      }
    }
  }
  expect(await linesOf(source.join(''))).toBe(want.join(''))
  expect(await linesOf(source.join(''), { memory: 60_000 })).toBe(want.join(''))
})

test.each([65, 66, 200])('%i sorted runs: merged in passes, the last one wins', async (runs) => {
  // Two fields in turn, so that each line is looked at with care and finds the store full.
  const points = Array.from({ length: runs }, (_, i) => ({
    field: 'ab'.charAt(i % 2),
    time: (i * 37) % 501,
    i,
  }))
  const rows = new Map<number, Map<string, number>>()
  for (const { field, time, i } of points) {
    rows.set(time, (rows.get(time) ?? new Map<string, number>()).set(field, i))
  }
  const want = [...rows]
    .sort(([a], [b]) => a - b)
    .map(
      ([time, fields]) =>
        `m ${[...fields]
          .sort()
          .map(([field, i]) => `${field}=${i}`)
          .join()} ${time}\n`,
    )
  const source = points.map(({ field, time, i }) => `m ${field}=${i} ${time}\n`).join('')
  expect(await linesOf(source, { memory: 1 })).toBe(want.join(''))
})

describe('failures', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'influx-ferry-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  const run = (source: AsyncIterable<Uint8Array>, signal = new AbortController().signal) =>
    spoolSlice(source, {
      ...spoolDefaults,
      memory: 1,
      path: join(folder, 's.gz'),
      workDir: join(folder, 'runs'),
      deadLetters: { add: () => undefined, flush: async () => undefined },
      signal,
      onProgress: () => undefined,
    }).catch((error: unknown) => error)

  test('sorted runs and a half spool that a killed run left are no hindrance', async () => {
    await mkdir(join(folder, 'runs'))
    await writeFile(join(folder, 'runs', 'run-0'), 'left behind')
    await writeFile(join(folder, 's.gz.partial'), 'left behind')
    const points = Array.from({ length: 20_000 }, (_, i) => `m v=${i} ${i}\n`).join('')
    expect(await run(chunked(Buffer.from(points), []))).toMatchObject({ rows: 20_000 })
    expect((await readdir(folder)).sort()).toEqual(['s.gz', 's.gz.index.json'])
  })

  test("influx_inspect's note of a missing file in the output", async () => {
    const note = 'skipped missing file: /data/db/rp/2/000001-02.tsmcpu v=1 1\n'
    const failure = (await run(chunked(Buffer.from(`cpu v=1 1\n${note}`), []))) as Failure
    expect(failure).toMatchObject({
      code: 'export/skipped-missing-file',
      where: 'line 2 of the export: /data/db/rp/2/000001-02.tsm',
    })
    expect(await readdir(folder)).toEqual([])
  })

  test('a quote that never closes does not fill the memory', async () => {
    async function* endless() {
      yield Buffer.from('m v=1 1\nm s="')
      const filler = Buffer.alloc(1 << 20, 'x')
      for (let i = 0; i < 10_000; i++) yield filler
    }
    expect(await run(endless())).toMatchObject({
      code: 'export/line-too-long',
      where: expect.stringContaining('line 2: m s="xxx') as string,
    })
    expect(MAX_LINE_BYTES).toBeLessThan(10_000 * 2 ** 20)
    expect(await readdir(folder)).toEqual([])
  }, 60_000)

  test('a full disk', async () => {
    await symlink('/dev/full', join(folder, 's.gz.partial'))
    const failure = (await run(chunked(Buffer.from('m v=1 1\nm v=2 2\n'), []))) as Failure
    expect(failure).toBeInstanceOf(Failure)
    expect(failure).toMatchObject({ code: 'spool/disk-full' })
    expect(failure.where).toContain(join(folder, 's.gz'))
    expect(await readdir(folder)).toEqual([])
  })

  test('an interruption, while reading and while writing', async () => {
    const controller = new AbortController()
    const reason = new Error('stop')
    async function* source() {
      yield Buffer.from('m v=1 1\nm v=2 2\n')
      controller.abort(reason)
      yield Buffer.from('m v=3 3\n')
    }
    expect(await run(source(), controller.signal)).toBe(reason)
    expect(await readdir(folder)).toEqual([])
  })

  test("the source's own failure comes through", async () => {
    const reason = new Failure('export/other', 'no')
    async function* source() {
      yield Buffer.from('m v=1 1\n')
      throw reason
    }
    expect(await run(source())).toBe(reason)
    expect(await readdir(folder)).toEqual([])
  })
})
