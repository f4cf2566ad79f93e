import { describe, expect, it } from 'vitest'
import { Lanes } from '../../../src/cluster/lanes.ts'
import { RateLimit } from '../../../src/cluster/rate-limit.ts'
import { FastClock } from '../../rig/fast-clock.ts'

const NEVER = new AbortController().signal
const turn = () => new Promise((resolve) => setImmediate(resolve))

function lanesOf(concurrency: number, random = () => 1) {
  const clock = new FastClock()
  return { clock, lanes: new Lanes({ concurrency, limit: undefined, clock, random }) }
}

describe('Lanes', () => {
  it('takes an item only when a lane is free, over all that use them', async () => {
    const { lanes } = lanesOf(3)
    let taken = 0
    let busy = 0
    let most = 0
    function* items() {
      for (let index = 0; index < 20; index += 1) {
        taken += 1
        yield index
      }
    }
    const work = async () => {
      busy += 1
      most = Math.max(most, busy)
      // One more item each may be waiting for a lane.
      expect(taken).toBeLessThanOrEqual(done + busy + 2)
      await turn()
      busy -= 1
      done += 1
    }
    let done = 0
    await Promise.all([lanes.each(items(), work, NEVER), lanes.each(items(), work, NEVER)])
    expect({ done, most }).toEqual({ done: 40, most: 3 })
  })

  it('throws the first error when nothing is under way any more', async () => {
    const { lanes } = lanesOf(2)
    let underWay = 0
    const started: number[] = []
    const each = lanes.each(
      [1, 2, 3, 4, 5],
      async (item, signal) => {
        started.push(item)
        underWay += 1
        await turn()
        await turn()
        underWay -= 1
        if (item === 1) throw new Error('first')
        signal.throwIfAborted()
      },
      NEVER,
    )
    await expect(each).rejects.toThrow('first')
    expect(underWay).toBe(0)
    expect(started).toEqual([1, 2])
    // Its lanes are free again.
    await lanes.each([1, 2, 3], turn as () => Promise<void>, NEVER)
  })

  it('ends with the reason of the signal', async () => {
    const { lanes } = lanesOf(1)
    const stop = new AbortController()
    const each = lanes.each(
      [1, 2, 3],
      async () => {
        stop.abort(new Error('enough'))
        await turn()
      },
      stop.signal,
    )
    await expect(each).rejects.toThrow('enough')
  })

  it('begins work that comes by and by only when a lane is free, and ends with all of it', async () => {
    const { lanes } = lanesOf(2)
    const group = lanes.group(NEVER)
    const open: (() => void)[] = []
    const started: number[] = []
    const start = (item: number) =>
      group.start(async () => {
        started.push(item)
        await new Promise<void>((resolve) => open.push(resolve))
      })
    await start(1)
    await start(2)
    const third = start(3)
    await turn()
    expect(started).toEqual([1, 2])
    open.shift()?.()
    await third
    expect(started).toEqual([1, 2, 3])
    let settled = false
    const end = group.settled().then(() => (settled = true))
    open.shift()?.()
    await turn()
    expect(settled).toBe(false)
    open.shift()?.()
    await end
  })

  it('takes nothing more of a group that failed, and nothing away from another', async () => {
    const { lanes } = lanesOf(2)
    const [bad, good] = [lanes.group(NEVER), lanes.group(NEVER)]
    await bad.start(async () => {
      await turn()
      throw new Error('refused')
    })
    await good.start(turn as () => Promise<void>)
    // Waits for a lane when the group fails.
    await expect(bad.start(turn as () => Promise<void>)).rejects.toThrow('refused')
    expect(bad.signal.aborted).toBe(true)
    await expect(bad.settled()).rejects.toThrow('refused')
    await good.start(turn as () => Promise<void>)
    await good.settled()
    expect(good.signal.aborted).toBe(false)
  })

  it('halves once for requests that were under way together, and recovers one lane at a time', () => {
    const { lanes } = lanesOf(8)
    const before = lanes.slowedDown
    for (let request = 0; request < 8; request += 1) lanes.overloaded(before)
    expect(lanes.open).toBe(4)
    lanes.overloaded(lanes.slowedDown)
    lanes.overloaded(lanes.slowedDown)
    lanes.overloaded(lanes.slowedDown)
    expect(lanes.open).toBe(1)
    lanes.stored()
    expect(lanes.open).toBe(2)
    lanes.stored()
    expect(lanes.open).toBe(2)
    lanes.stored()
    expect(lanes.open).toBe(3)
    for (let batch = 0; batch < 100; batch += 1) lanes.stored()
    expect(lanes.open).toBe(8)
  })

  it('lets no more requests go on after a back-off than there are open lanes', async () => {
    const { lanes } = lanesOf(4)
    let retrying = 0
    let most = 0
    await lanes.each(
      [1, 2, 3, 4],
      async (_, signal) => {
        const before = lanes.slowedDown
        await turn()
        lanes.overloaded(before)
        if (lanes.open > 1) lanes.overloaded(lanes.slowedDown)
        await lanes.backOff(0, undefined, signal)
        retrying += 1
        most = Math.max(most, retrying)
        await turn()
        await turn()
        retrying -= 1
      },
      NEVER,
    )
    expect({ open: lanes.open, most }).toEqual({ open: 1, most: 1 })
  })

  it('backs off with full jitter, doubling to half a minute, never less than Retry-After', async () => {
    const { lanes, clock } = lanesOf(1, () => 0.5)
    for (const attempt of [0, 1, 2, 5, 50]) await lanes.backOff(attempt, undefined, NEVER)
    await lanes.backOff(0, 7000, NEVER)
    await lanes.backOff(0, 86_400_000, NEVER)
    expect(clock.slept).toEqual([500, 1000, 2000, 15_000, 15_000, 7000, 300_000])
  })
})

describe('RateLimit', () => {
  it('spreads bytes evenly', async () => {
    const clock = new FastClock()
    const started = clock.now()
    const limit = new RateLimit(1000, clock)
    for (let request = 0; request < 11; request += 1) await limit.take(500, NEVER)
    expect(clock.now() - started).toBe(5000)
  })

  it('does not save up time that was not used', async () => {
    const clock = new FastClock()
    const limit = new RateLimit(1000, clock)
    await limit.take(1000, NEVER)
    await clock.sleep(60_000, NEVER)
    const from = clock.now()
    for (let request = 0; request < 3; request += 1) await limit.take(1000, NEVER)
    expect(clock.now() - from).toBe(2000)
  })

  it('is no limit when there is none', async () => {
    const clock = new FastClock()
    await new RateLimit(undefined, clock).take(1e12, NEVER)
    expect(clock.slept).toEqual([])
  })
})
