/** A migration as its state, verification record and dead letters tell it: with all that can go wrong, for reports. */
import type { ReportInput } from '../../src/report/model.ts'
import type { LetterReason } from '../../src/report/report.generated.ts'
import type { RunRecord, SliceState, SliceVerified, State } from '../../src/state/state.generated.ts'
import type { SliceVerification, Verification } from '../../src/verify/verification.generated.ts'

/** A name that would be markup, were it not escaped. */
export const EVIL = `<script>document.title='owned'</script><img src=x onerror=alert(1)>"'&|\`*`

const DAY = 86_400_000_000_000n
const START = BigInt(Date.parse('2024-01-01T00:00:00Z')) * 1_000_000n
const HASH = 'a53a91d3df1de8f32a33e125fdb8e3a6321e2f99fe264b86d3a98684bff94b32'

export const sliceId = (mapping: string, week: number): string =>
  `${mapping}/${START + BigInt(week) * 7n * DAY}_${START + BigInt(week + 1) * 7n * DAY}`

export function writtenSlice(
  target: string,
  rows: number,
  { refused = 0, verified }: { refused?: number; verified?: SliceVerified['outcome'] } = {},
): SliceState {
  const points = 4 * rows
  return {
    status: 'written',
    target,
    fingerprint: 'f',
    counts: {
      ...{
        pointsRead: points + 5,
        points,
        overwritten: 3,
        deleted: 2,
        filtered: 0,
        refusedPoints: 0,
        skipped: 0,
      },
      ...{ rows, batches: 1, rawBytes: 100 * rows, gzipBytes: 10 * rows },
    },
    sent: {
      batches: [{ first: 0, last: 0 }],
      ...{
        lines: rows - refused,
        points: points - 4 * refused,
        refusedLines: refused,
        refusedPoints: 4 * refused,
      },
      bytes: 10 * rows,
    },
    ...(verified !== undefined && {
      verified: { at: '2026-01-05T08:01:50.000Z', level: 'basic', outcome: verified },
    }),
  }
}

export const run: RunRecord = {
  startedAt: '2026-01-05T08:00:00.000Z',
  endedAt: '2026-01-05T08:02:00.000Z',
  outcome: 'done',
  version: '0.1.0',
  phases: [
    { phase: 'validate', startedAt: '2026-01-05T08:00:00.000Z', seconds: 2, outcome: 'done' },
    { phase: 'export', startedAt: '2026-01-05T08:00:02.000Z', seconds: 60, outcome: 'done' },
    { phase: 'write', startedAt: '2026-01-05T08:01:02.000Z', seconds: 40, outcome: 'done' },
    { phase: 'verify', startedAt: '2026-01-05T08:01:42.000Z', seconds: 18, outcome: 'done' },
  ],
  acknowledged: { batches: 6, rows: 6000, points: 24_000, refusedRows: 0, refusedPoints: 0, bytes: 60_000 },
  rate: {
    startedAt: '2026-01-05T08:01:03.000Z',
    everySeconds: 1,
    rows: [500, 1000, 2000, 1500, 0, 1000],
    bytes: [5000, 10_000, 20_000, 15_000, 0, 10_000],
  },
}

const measurement = (points: number) => ({ outcome: 'equal' as const, fields: 2, points })

/** All of `weeks` written and equal. */
export function doneInput(weeks = 3): ReportInput {
  const slices: State['slices'] = {}
  const compared: Record<string, SliceVerification> = {}
  for (let week = 0; week < weeks; week += 1) {
    const id = sliceId('plant-1/plant/autogen', week)
    slices[id] = writtenSlice('plant/autogen', 1000, { verified: 'equal' })
    compared[id] = {
      target: 'plant/autogen',
      outcome: 'equal',
      measurements: { machine: measurement(3000), quality: measurement(1000) },
    }
  }
  return {
    manifest: 'manifest.yaml',
    state: {
      format: 1,
      name: 'plant',
      environment: 'staging',
      manifestHash: HASH,
      runs: [{ ...run, slices: weeks }],
      databases: { 'plant/autogen': { origin: 'created', retention: 'final' } },
      tokens: {},
      slices,
    },
    verification: recordOf(compared),
    letters: { folder: '/work/dead-letter', letters: 0, points: 0, reasons: [] },
    migration: undefined,
    reproduce: ['influx-ferry run manifest.yaml --env staging'],
    isUnderWay: false,
    now: Date.parse('2026-01-05T09:00:00Z'),
  }
}

function recordOf(slices: Record<string, SliceVerification>): Verification {
  return {
    format: 1,
    name: 'plant',
    manifestHash: HASH,
    version: '0.1.0',
    startedAt: '2026-01-05T08:01:42.000Z',
    endedAt: '2026-01-05T08:02:00.000Z',
    level: 'basic',
    source: 'export',
    slices,
    differences: [],
  }
}

/** A second mapping in which something of everything went wrong, with names that try to be markup. */
export function troubledInput(): ReportInput {
  const input = doneInput(60)
  const mapping = `plant-1/${encodeURIComponent(EVIL)}/weekly`
  const { state, verification } = input
  for (let week = 0; week < 12; week += 1) {
    const id = sliceId(mapping, week)
    const differs = week === 2 || week === 5
    const outcome = differs ? 'differs' : week === 8 ? 'not-compared' : 'equal'
    state.slices[id] = writtenSlice('evil', 1000, {
      refused: week === 3 ? 10 : 0,
      ...(week <= 9 && { verified: outcome }),
    })
    if (verification === undefined || week > 9) continue
    verification.slices[id] = {
      target: 'evil',
      outcome,
      ...(week === 8 && { reason: 'expired in the cluster' }),
      measurements:
        week === 8
          ? {}
          : {
              [EVIL]: differs
                ? { outcome: 'differs', fields: 4, points: 3000, differing: 1 }
                : measurement(3000),
              ...(week !== 4 && { quality: measurement(1000) }),
            },
    }
    if (differs)
      verification.differences.push({
        slice: id,
        target: 'evil',
        measurement: EVIL,
        field: 'temperature',
        series: `${EVIL},line=L1`,
        kind: 'value',
        start: '2024-01-16T10:00:00.000000001Z',
        end: '2024-01-16T10:00:00.000000002Z',
        source: '71.5',
        cluster: EVIL,
      })
  }
  state.slices[sliceId(mapping, 11)] = {
    status: 'failed',
    target: 'evil',
    code: 'export/damaged-block',
    message: `a block does not match its checksum: ${EVIL}`,
    where: 'data/plant/weekly/12/000000001-000000001.tsm',
    remedy: 'Restore the file from a backup, or say "onCorruption: skip".',
  }
  const letter = (reason: string, letters: number, by: LetterReason['by'] = 'cluster'): LetterReason => ({
    ...{ reason, by, letters, points: 4 * letters },
    examples: [{ slice: sliceId(mapping, 3), line: `machine,line=L1 v="${EVIL}" 1709510400000000000` }],
  })
  const reasons = [
    letter(`type conflict in column ${EVIL}`, 7),
    letter('string longer than 64 KiB', 3, 'influx-ferry'),
  ]
  return {
    ...input,
    state: {
      ...state,
      runs: [
        {
          ...run,
          startedAt: '2026-01-05T06:00:00.000Z',
          outcome: 'interrupted',
          endedAt: '2026-01-05T06:10:00.000Z',
        },
        { ...run, outcome: 'failed', slices: 75, warnings: [`a snapshot was made again: ${EVIL}`] },
      ],
    },
    letters: { folder: '/work/dead-letter', letters: 10, points: 40, reasons },
  }
}
