import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/core/failure.ts'
import { faultsOf, parseFaults, seededRandom } from '../../../src/sandbox/faults.ts'

describe('parseFaults', () => {
  test.each([
    ['429@3', [3]],
    ['503@2..4', [2, 3, 4]],
    ['reset@9..', [9, 10, 11, 12]],
    ['429@3,429@5', [3, 5]],
  ])('%s applies to requests %j of the first twelve', (spec, expected) => {
    const faults = parseFaults([spec])
    const hit = Array.from({ length: 12 }, (_, i) => i + 1).filter(
      (request) => faultsOf(faults, request, () => 0).length > 0,
    )
    expect(hit).toEqual(expected)
  })

  test.each([
    ['500-after-write@1', { kind: 'answer', status: 500, afterWrite: true, html: false }],
    ['413-html@1', { kind: 'answer', status: 413, afterWrite: false, html: true }],
    ['reset@1', { kind: 'reset', afterWrite: false }],
    ['reset-after-write@1', { kind: 'reset', afterWrite: true }],
    ['cut@1', { kind: 'cut' }],
    ['delay:1500ms@1', { kind: 'delay', milliseconds: 1500 }],
  ])('%s', (spec, action) => {
    expect(faultsOf(parseFaults([spec]), 1, () => 0)).toEqual([action])
  })

  test('settings', () => {
    const specs = 'seed:7,token-delay:3s,partial-writes-off,retry-after:2,retention-status:422'
    expect(parseFaults([specs])).toMatchObject({
      seed: 7,
      tokenDelay: 3000,
      partialWrites: false,
      retryAfter: 2,
      retentionStatus: 422,
    })
  })

  test.each(['429', '429@', 'x@3', 'delay:@3', 'seed:x', 'retention-status:200', '42@1', '429@1...3'])(
    '%j is no fault',
    (spec) => {
      expect(() => parseFaults([spec])).toThrow(Failure)
    },
  )

  test('a probability is drawn from the seed', () => {
    const faults = parseFaults(['429%10'])
    const draw = (seed: number) => {
      const random = seededRandom(seed)
      return Array.from({ length: 1000 }, (_, i) => faultsOf(faults, i + 1, random).length)
    }
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
    const hits = draw(7).filter((count) => count > 0).length
    expect(hits).toBeGreaterThan(60)
    expect(hits).toBeLessThan(150)
  })
})
