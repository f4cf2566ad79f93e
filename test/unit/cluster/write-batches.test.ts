import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Lanes } from '../../../src/cluster/lanes.ts'
import { writeAsMade, writeBatches, type BatchesUnderWay } from '../../../src/cluster/write-batches.ts'
import { openWriteClient } from '../../../src/cluster/write-client.ts'
import type { Target } from '../../../src/manifest/migration.ts'
import type { BatchOutcome } from '../../../src/state/state.ts'
import { FastClock } from '../../rig/fast-clock.ts'
import { LetterList, memorySpool, targetAt } from '../../rig/write-rig.ts'
import { NO_CONTENT, partialWrite, WriteServer, type Script } from '../../rig/write-server.ts'

let server: WriteServer
let url: string
let clock: FastClock
let letters: LetterList
let acknowledged: Map<number, BatchOutcome>
let lanes: Lanes

beforeEach(async () => {
  server = new WriteServer()
  url = await server.listen()
  clock = new FastClock()
  letters = new LetterList()
  acknowledged = new Map()
})
afterEach(() => server.close())

interface Options {
  write?: Partial<Target['write']>
  tokenCreatedAt?: number
  points?: number
  pending?: number[]
  signal?: AbortSignal
}

async function write(batches: string[][], script: Script, options: Options = {}): Promise<void> {
  server.script = script
  const target = targetAt(url, options.write)
  const client = openWriteClient(target, 'apiv1_secret')
  const { concurrency, limit, maxRetries, tokenActivation } = target.write
  lanes = new Lanes({ concurrency, limit, clock })
  try {
    await writeBatches({
      database: 'plant/autogen',
      slice: 'm/slice',
      spool: memorySpool(batches, options.points),
      pending: options.pending ?? batches.keys(),
      client,
      lanes,
      clock,
      signal: options.signal ?? new AbortController().signal,
      maxRetries,
      tokenActivation,
      tokenCreatedAt: options.tokenCreatedAt,
      deadLetters: letters,
      onAcknowledged(batch, outcome) {
        if (acknowledged.has(batch)) throw new Error(`batch ${batch} was acknowledged twice`)
        expect(letters.flushed.filter((letter) => letter.batch === batch)).toHaveLength(outcome.refusedLines)
        acknowledged.set(batch, outcome)
      },
    })
  } finally {
    client.close()
  }
}

const line = (index: number, measurement = 'm') => `${measurement},t=${index} a=${index} ${index}`
const lines = (count: number, from = 0) => Array.from({ length: count }, (_, index) => line(from + index))
const refused = () => letters.flushed.map((letter) => letter.line)
const storedOnce = () => [...server.stored].filter(([, times]) => times > 0).map(([text]) => text)

/** Refuses lines as a current cluster does: what is good is stored, a hundred are named. */
function partial(isBad: (text: string) => boolean, status = 400): Script {
  return (request) => {
    const bad = request.lines.flatMap((text, index) =>
      isBad(text) ? [{ line: index + 1, reason: 'bad' }] : [],
    )
    return bad.length === 0 ? NO_CONTENT : { status, body: partialWrite(bad), store: (text) => !isBad(text) }
  }
}

/** Refuses as older clusters do: one bad line refuses the whole batch. */
function allOrNothing(isBad: (text: string) => boolean, body: (bad: number) => object, status = 400): Script {
  return (request) => {
    const bad = request.lines.findIndex(isBad)
    return bad === -1 ? NO_CONTENT : { status, body: JSON.stringify(body(bad + 1)) }
  }
}

const CONFLICT = () => ({
  code: 'invalid',
  message: 'dml handler error: schema conflict: column a is type i64 but write has type f64',
})

describe('what is sent', () => {
  it('sends members as they are, by v2, to the exact database', async () => {
    const spool = memorySpool([lines(5), lines(5, 5)])
    await write([lines(5), lines(5, 5)], () => NO_CONTENT)
    const [first] = server.requests
    expect(first?.method).toBe('POST')
    expect(first?.url.pathname).toBe('/api/v2/write')
    expect(Object.fromEntries(first?.url.searchParams ?? [])).toEqual({
      org: 'ignored',
      bucket: 'plant/autogen',
      precision: 'ns',
    })
    expect(first?.headers).toMatchObject({
      authorization: 'Bearer apiv1_secret',
      'content-encoding': 'gzip',
      'content-type': 'text/plain; charset=utf-8',
    })
    expect(new Set(server.requests.map(({ body }) => body.toString('hex')))).toEqual(
      new Set(spool.members.map((member) => member.toString('hex'))),
    )
  })

  it('and by v1, without a retention policy', async () => {
    await write([lines(2)], () => NO_CONTENT, { write: { api: 'v1' } })
    const { pathname, searchParams } = server.requests[0]?.url ?? new URL('http://none')
    expect(pathname).toBe('/write')
    expect(Object.fromEntries(searchParams)).toEqual({ db: 'plant/autogen', precision: 'ns' })
    expect(server.requests[0]?.headers).toMatchObject({
      authorization: 'Bearer apiv1_secret',
      'content-encoding': 'gzip',
    })
  })

  it('sends only what is pending, and accounts for it', async () => {
    await write([lines(5), lines(7, 5), lines(3, 12)], () => NO_CONTENT, { pending: [1, 2], points: 1 })
    expect(server.requests).toHaveLength(2)
    expect(acknowledged.get(1)).toMatchObject({ lines: 7, points: 7, refusedLines: 0, refusedPoints: 0 })
    expect([...acknowledged.keys()].sort()).toEqual([1, 2])
  })

  it('never has more requests under way than lanes', async () => {
    let underWay = 0
    let most = 0
    await write(
      Array.from({ length: 20 }, (_, batch) => lines(2, batch * 2)),
      async () => {
        underWay += 1
        most = Math.max(most, underWay)
        await new Promise((resolve) => setTimeout(resolve, 5))
        underWay -= 1
        return NO_CONTENT
      },
      { write: { concurrency: 3 } },
    )
    expect(most).toBe(3)
    expect(server.requests).toHaveLength(20)
  })
})

it('fills many lanes without a word from Node.js about listeners', async () => {
  const warnings: Error[] = []
  const onWarning = (warning: Error) => warnings.push(warning)
  process.on('warning', onWarning)
  const batches = Array.from({ length: 60 }, (_, batch) => lines(1, batch))
  await write(batches, ({ number }) => (number < 30 ? { status: 500 } : NO_CONTENT), {
    write: { concurrency: 32 },
  })
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', onWarning)
  expect(warnings).toEqual([])
})

describe('lines that the cluster names', () => {
  it.each([400, 201])('are put aside, the rest is sent again until 204: HTTP %i', async (status) => {
    const isBad = (text: string) => text.includes('t=3 ') || text.includes('t=8 ')
    await write([lines(10)], partial(isBad, status))
    expect(letters.flushed).toEqual([
      { slice: 'm/slice', batch: 0, by: 'cluster', reason: 'bad', line: line(3), points: 1 },
      { slice: 'm/slice', batch: 0, by: 'cluster', reason: 'bad', line: line(8), points: 1 },
    ])
    expect(server.requests.map((request) => request.lines.length)).toEqual([10, 8])
    expect(acknowledged.get(0)).toMatchObject({ lines: 8, points: 8, refusedLines: 2, refusedPoints: 2 })
  })

  it('are counted logically: a newline in a string ends no line', async () => {
    const batch = ['m s="one\ntwo",a=1i 1', 'm s="x" 2', 'm s="\n\n",b=1i 3', 'm s="bad" 4', 'm s="y" 5']
    server.script = partial((text) => text.includes('bad'))
    const spool = memorySpool([batch])
    const [entry] = spool.index.batches
    if (entry) entry.points = 7
    const client = openWriteClient(targetAt(url), 't')
    await writeBatches({
      ...{ database: 'd', slice: 's', spool, pending: [0], client, clock, deadLetters: letters },
      ...{
        maxRetries: 0,
        tokenActivation: 0,
        tokenCreatedAt: undefined,
        signal: new AbortController().signal,
      },
      lanes: new Lanes({ concurrency: 1, limit: undefined, clock }),
      onAcknowledged: (number, outcome) => void acknowledged.set(number, outcome),
    })
    client.close()
    expect(refused()).toEqual(['m s="bad" 4'])
    expect(acknowledged.get(0)).toMatchObject({ lines: 4, points: 6, refusedLines: 1, refusedPoints: 1 })
  })

  it('may be more than the hundred that one answer names', async () => {
    const isBad = (text: string) => Number(/t=(\d+)/.exec(text)?.[1]) % 2 === 0
    await write([lines(700)], partial(isBad))
    expect(new Set(refused())).toEqual(new Set(lines(700).filter(isBad)))
    expect(refused()).toHaveLength(350)
    expect(storedOnce().sort()).toEqual(
      lines(700)
        .filter((text) => !isBad(text))
        .sort(),
    )
    expect(server.requests.length).toBeLessThan(10)
  })

  it('may be all of them', async () => {
    await write(
      [lines(2500)],
      partial(() => true),
    )
    expect(new Set(refused())).toEqual(new Set(lines(2500)))
    expect(server.stored.size).toBe(0)
    expect(acknowledged.get(0)).toMatchObject({ lines: 0, refusedLines: 2500 })
    // Bytes are what it costs: less than the batch ten times over.
    const sent = server.requests.reduce((sum, request) => sum + request.lines.length, 0)
    expect(sent).toBeLessThan(2500 * 15)
  })

  it('may be numbers that mean nothing: then each line is tried', async () => {
    const isBad = (text: string) => text.includes('t=5 ')
    const script = allOrNothing(isBad, () => ({ message: 'error writing line 999: what' }))
    await write([lines(16)], script)
    expect(refused()).toEqual([line(5)])
    expect(server.stored.size).toBe(15)
  })

  it('keeps what is not UTF-8 as base64', async () => {
    const spool = memorySpool([['m a="ok" 1']])
    const bytes = Buffer.from([0x6d, 0x20, 0x61, 0x3d, 0x22, 0xff, 0x22, 0x20, 0x31])
    const { gzipSync } = await import('node:zlib')
    spool.read = async () => gzipSync(bytes)
    server.script = () => ({ status: 400, body: '{"message":"body content is not valid utf8: x"}' })
    const client = openWriteClient(targetAt(url), 't')
    await writeBatches({
      ...{ database: 'd', slice: 's', spool, pending: [0], client, clock, deadLetters: letters },
      ...{
        maxRetries: 0,
        tokenActivation: 0,
        tokenCreatedAt: undefined,
        signal: new AbortController().signal,
      },
      lanes: new Lanes({ concurrency: 1, limit: undefined, clock }),
      onAcknowledged: () => undefined,
    })
    client.close()
    expect(letters.flushed).toMatchObject([{ line: bytes.toString('base64'), encoding: 'base64' }])
  })
})

describe('batches refused as a whole', () => {
  it('are halved down to the refused lines', async () => {
    const isBad = (text: string) => /t=(17|18|400) /.test(text)
    await write([lines(512)], allOrNothing(isBad, CONFLICT))
    expect(refused().sort()).toEqual([line(17), line(18), line(400)].sort())
    expect(letters.flushed[0]?.reason).toContain('schema conflict')
    expect(server.stored.size).toBe(509)
    expect([...server.stored.values()].every((times) => times === 1)).toBe(true)
    expect(server.requests.length).toBeLessThan(50)
  })

  it('with one line named at a time end too', async () => {
    const isBad = (text: string) => Number(/t=(\d+)/.exec(text)?.[1]) % 3 === 0
    const script = allOrNothing(isBad, (bad) => ({
      message: `failed to parse line protocol: error writing line ${bad}: Unable to insert`,
    }))
    await write([lines(300)], script)
    expect(refused()).toHaveLength(100)
    expect(server.stored.size).toBe(200)
  })

  it('with nothing but bad lines, one named at a time, do not cost the square of their number', async () => {
    await write(
      [lines(400)],
      allOrNothing(
        () => true,
        (bad) => ({ message: `error writing line ${bad}: no` }),
      ),
    )
    expect(refused()).toHaveLength(400)
    const sent = server.requests.reduce((sum, request) => sum + request.lines.length, 0)
    expect(sent).toBeLessThan(30_000)
  })

  it('never believe that a suspect is guilty without trying it alone', async () => {
    const isBad = (text: string) => text.includes('t=40 ')
    // This server always blames the first line.
    await write(
      [lines(64)],
      allOrNothing(isBad, () => ({ line: 1, message: 'partial write has occurred' })),
    )
    expect(refused()).toEqual([line(40)])
    expect(server.stored.size).toBe(63)
  })

  it('for retention lose what is too old at once', async () => {
    const day = 86_400_000_000_000n
    const start = 1_577_836_800_000_000_000n // 2020-01-01
    const old = (text: string) => BigInt(text.split(' ').at(-1) ?? 0) < start + 500n * day
    const batch = Array.from({ length: 1000 }, (_, index) => `m a=1 ${start + BigInt(index) * day}`)
    const message =
      'dml handler error: data in table m is outside of the retention period: minimum acceptable timestamp is ' +
      '2021-05-15T00:00:00+00:00, but observed timestamp 2020-01-01T00:00:00+00:00 is older.'
    await write(
      [batch],
      allOrNothing(old, () => ({ code: 'forbidden', message }), 403),
    )
    expect(refused()).toEqual(batch.filter(old))
    expect(server.stored.size).toBe(500)
    expect(server.requests).toHaveLength(2)
  })

  it('may be refused to the last line', async () => {
    await write(
      [lines(50)],
      allOrNothing(() => true, CONFLICT),
    )
    expect(refused()).toHaveLength(50)
    expect(server.requests.length).toBeLessThan(100)
  })
})

describe('batches that are too large', () => {
  it('are halved, and a line that is too large by itself is put aside', async () => {
    const huge = `m s="${'x'.repeat(5000)}" 1`
    const tooLarge: Script = ({ lines: got }) =>
      got.join('\n').length > 2000
        ? { status: 413, body: '<html><head><title>413 Request Entity Too Large</title></head></html>' }
        : NO_CONTENT
    await write([[...lines(200), huge]], tooLarge)
    expect(letters.flushed).toMatchObject([{ line: huge, reason: '413 Request Entity Too Large' }])
    expect(server.stored.size).toBe(200)
  })

  it('are not all put aside by a proxy that takes nothing', async () => {
    await expect(write([lines(20)], () => ({ status: 413, body: 'no' }))).rejects.toMatchObject({
      code: 'write/refused',
      message: expect.stringMatching(/^even one line of \d+ bytes is refused as too large: /) as string,
    })
    expect(letters.flushed).toEqual([])
  })
})

describe('a cluster in trouble', () => {
  it.each([429, 503])('gets fewer requests after HTTP %i, and the same batch again', async (status) => {
    let answers = 0
    await write([lines(3), lines(3, 3)], () => ((answers += 1) <= 4 ? { status } : NO_CONTENT))
    expect(server.stored.size).toBe(6)
    expect([...server.stored.values()].every((times) => times === 1)).toBe(true)
    expect(lanes.open).toBeLessThan(4)
    expect(letters.flushed).toEqual([])
  })

  it('gets more requests again when it has recovered', async () => {
    const batches = Array.from({ length: 30 }, (_, batch) => lines(1, batch))
    await write(batches, ({ number }) => (number < 8 ? { status: 503 } : NO_CONTENT))
    expect(lanes.slowedDown).toBeGreaterThan(1)
    expect(lanes.open).toBe(4)
  })

  it('is given the time it asks for', async () => {
    const date = new Date(Date.now() + 20_000).toUTCString()
    await write([lines(1)], ({ number }) =>
      number === 0
        ? { status: 503, headers: { 'retry-after': '42' } }
        : number === 1
          ? { status: 503, headers: { 'retry-after': date } }
          : NO_CONTENT,
    )
    expect(clock.slept[0]).toBe(42_000)
    expect(clock.slept[1]).toBeGreaterThan(18_000)
    expect(clock.slept[1]).toBeLessThanOrEqual(20_000)
  })

  it('is given up when it has taken nothing for ten minutes', async () => {
    await expect(write([lines(1)], () => ({ status: 503 }))).rejects.toMatchObject({
      code: 'write/overloaded',
    })
    const waited = clock.slept.reduce((sum, time) => sum + time, 0)
    expect(waited).toBeGreaterThan(600_000)
    expect(waited).toBeLessThan(700_000)
  })

  it.each<[string, Script]>([
    [
      '500 after it has stored the batch',
      () => ({ status: 500, body: '{"message":"x"}', store: () => true }),
    ],
    ['502', () => ({ status: 502, body: '<html></html>' })],
    ['504', () => ({ status: 504 })],
    ['a reset', () => ({ reset: true })],
    ['a reset after it has stored the batch', () => ({ reset: true, store: () => true })],
    ['an answer that breaks off', () => ({ cut: 400 })],
    ['nothing', () => ({ silent: true })],
  ])('that answers %s gets the identical batch again', async (_, trouble) => {
    const script: Script = (request) => (request.number < 2 ? trouble(request) : NO_CONTENT)
    await write([lines(4)], script, { write: { timeout: 200 } })
    expect(server.requests).toHaveLength(3)
    expect(new Set(server.requests.map(({ body }) => body.toString('hex'))).size).toBe(1)
    expect(acknowledged.get(0)).toMatchObject({ lines: 4, refusedLines: 0 })
    expect(letters.flushed).toEqual([])
  })

  it('is given up after the retries asked for, and nothing is acknowledged', async () => {
    const failure = write([lines(1)], () => ({ status: 500, body: '{"message":"boom"}' }), {
      write: { maxRetries: 3 },
    })
    await expect(failure).rejects.toMatchObject({
      code: 'write/no-answer',
      message: 'the cluster gave no usable answer: boom',
      where: 'm/slice -> plant/autogen',
    })
    expect(server.requests).toHaveLength(4)
    expect(acknowledged.size).toBe(0)
  })

  it('that is not there is told by name', async () => {
    await server.close()
    await expect(write([lines(1)], () => NO_CONTENT, { write: { maxRetries: 0 } })).rejects.toMatchObject({
      code: 'write/no-answer',
      message: expect.stringContaining('ECONNREFUSED') as string,
    })
    await server.listen()
  })
})

describe('tokens', () => {
  it('that are new are waited for', async () => {
    const createdAt = clock.now() - 1000
    const until = createdAt + 30_000
    await write([lines(2)], () => (clock.now() < until ? { status: 401 } : NO_CONTENT), {
      write: { tokenActivation: 120_000 },
      tokenCreatedAt: createdAt,
    })
    expect(clock.slept).toEqual([2000, 3000, 4500, 6750, 10_125, 15_000])
    expect(server.stored.size).toBe(2)
  })

  it.each([
    [401, 'write/unauthorized'],
    [403, 'write/forbidden'],
  ])('that stay unknown end the run: HTTP %i', async (status, code) => {
    const options = { write: { tokenActivation: 60_000 }, tokenCreatedAt: clock.now() }
    await expect(write([lines(2)], () => ({ status }), options)).rejects.toMatchObject({ code })
    expect(server.requests.length).toBeGreaterThan(5)
    expect(acknowledged.size).toBe(0)
  })

  it('that were given are not waited for, and are not shown', async () => {
    const failure = await write([lines(2), lines(2, 2)], () => ({ status: 401 }), {
      write: { tokenActivation: 60_000 },
    }).catch((error: unknown) => error as Error & { remedy: string; where: string })
    expect(failure).toMatchObject({ code: 'write/unauthorized' })
    expect(JSON.stringify(failure) + String(failure?.message)).not.toContain('apiv1_secret')
    expect(clock.slept).toEqual([])
  })
})

describe('what ends the run', () => {
  it.each<[string, Script, string]>([
    [
      'no database',
      () => ({ status: 404, body: '{"message":"database \\"x\\" not found"}' }),
      'write/no-database',
    ],
    ['a redirect', () => ({ status: 302, headers: { location: '/login' } }), 'write/refused'],
    [
      "a proxy's page",
      () => ({ status: 400, body: '<html><title>Bad Request</title></html>' }),
      'write/refused',
    ],
  ])('%s', async (_, script, code) => {
    await expect(write([lines(8), lines(8, 8)], script)).rejects.toMatchObject({ code })
    expect(server.requests.length).toBeLessThanOrEqual(2)
    expect(letters.flushed).toEqual([])
  })

  it('an abort, with its reason; the requests under way are cut', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(new Error('interrupted')), 50)
    await expect(
      write([lines(2), lines(2, 2)], () => ({ silent: true }), { signal: stop.signal }),
    ).rejects.toThrow('interrupted')
    expect(acknowledged.size).toBe(0)
  })

  it('a batch that holds something else than its index says, before a line is blamed', async () => {
    const wrong = write(
      [lines(10)],
      partial(() => true),
      { points: 2 },
    )
    await expect(wrong).rejects.toMatchObject({ code: 'spool/inconsistent' })
    expect(letters.flushed).toEqual([])
  })
})

describe('the rate limit', () => {
  it('counts gzipped bytes over all lanes', async () => {
    const batches = Array.from({ length: 10 }, (_, batch) => lines(100, batch * 100))
    const { members } = memorySpool(batches)
    const bytes = members.reduce((sum, member) => sum + member.length, 0)
    const started = clock.now()
    await write(batches, () => NO_CONTENT, { write: { limit: 1000 } })
    const seconds = (clock.now() - started) / 1000
    expect(seconds).toBeGreaterThan((bytes / 1000) * 0.85)
  })
})

describe('batches that are written as they are made', () => {
  async function writing(script: Script, use: (batches: BatchesUnderWay) => Promise<void>): Promise<void> {
    server.script = script
    const target = targetAt(url, { concurrency: 2 })
    const client = openWriteClient(target, 'apiv1_secret')
    const { concurrency, limit, maxRetries, tokenActivation } = target.write
    lanes = new Lanes({ concurrency, limit, clock })
    try {
      await use(
        writeAsMade({
          database: 'plant/autogen',
          slice: 'm/slice',
          ...{ client, lanes, clock, maxRetries, tokenActivation, deadLetters: letters },
          signal: new AbortController().signal,
          tokenCreatedAt: undefined,
          onAcknowledged: (batch, outcome) => void acknowledged.set(batch, outcome),
        }),
      )
    } finally {
      client.close()
    }
  }

  const memberOf = (batch: string[]) => gzipSync(batch.map((text) => `${text}\n`).join(''))
  const isBad = (text: string) => text.startsWith('bad')

  it('are accounted for as spooled ones are, letters and all', async () => {
    const batches = [lines(5), [...lines(2, 5), line(7, 'bad')], lines(3, 8)]
    await writing(partial(isBad), async (underWay) => {
      for (const [batch, texts] of batches.entries())
        await underWay.write(batch, { lines: texts.length, points: texts.length }, memberOf(texts))
      await underWay.settled()
    })
    const direct = { letters: letters.flushed, acknowledged: new Map([...acknowledged].sort()) }
    letters = new LetterList()
    acknowledged = new Map()
    await write(batches, partial(isBad))
    expect(direct).toEqual({
      letters: letters.flushed,
      acknowledged: new Map([...acknowledged].sort()),
    })
    expect(direct.acknowledged.get(1)).toMatchObject({ lines: 2, refusedLines: 1 })
  })

  it('are taken no faster than lanes are free', async () => {
    let answer: () => void = () => undefined
    const answered = new Promise<void>((resolve) => (answer = resolve))
    let given = 0
    const script: Script = async () => {
      await answered
      return NO_CONTENT
    }
    await writing(script, async (underWay) => {
      const giving = (async () => {
        for (let batch = 0; batch < 6; batch += 1) {
          await underWay.write(batch, { lines: 1, points: 1 }, memberOf(lines(1, batch)))
          given += 1
        }
      })()
      while (server.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect({ given, requests: server.requests.length }).toEqual({ given: 2, requests: 2 })
      answer()
      await giving
      await underWay.settled()
    })
    expect(acknowledged.size).toBe(6)
  })

  it('end with the first failure, and its signal says that no more need be made', async () => {
    await writing(
      () => ({ status: 404, body: JSON.stringify({ code: 'not found', message: 'bucket not found' }) }),
      async (underWay) => {
        await underWay.write(0, { lines: 1, points: 1 }, memberOf(lines(1)))
        await expect(underWay.settled()).rejects.toMatchObject({ code: 'write/no-database' })
        expect(underWay.signal.aborted).toBe(true)
        await expect(underWay.write(1, { lines: 1, points: 1 }, memberOf(lines(1, 1)))).rejects.toMatchObject(
          {
            code: 'write/no-database',
          },
        )
      },
    )
  })
})
