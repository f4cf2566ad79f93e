/** What is about no table: the room for the spool, the clock, the tokens. */
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { countOf, formatBytes } from '../core/units.ts'
import type { Migration } from '../manifest/migration.ts'
import type { Slice } from '../plan/plan.ts'
import type { ClusterFacts, TokenRefusal } from './cluster-facts.ts'
import type { PreflightFinding } from './finding.ts'

/** A spool is about as large as its TSM files. */
const SPOOL_OF_TSM = 1.1
/** Milliseconds. */
const CLOCK_TOLERANCE = 5 * 60_000

/** @param slices those that are going to be spooled */
export async function* checkSpool(
  { spool, transfer }: Pick<Migration, 'spool' | 'transfer'>,
  slices: readonly Slice[],
  freeBytes = freeBytesAt,
): AsyncGenerator<PreflightFinding> {
  if (transfer === 'direct') return
  const files = new Map(slices.flatMap(({ files }) => files.map(({ path, bytes }) => [path, bytes])))
  // How much plain line protocol shrinks is not known.
  const packed = [...files].filter(([path]) => /\.(tsm|wal|gz)$/.test(path))
  const needed = packed.reduce((sum, [, bytes]) => sum + bytes, 0) * SPOOL_OF_TSM
  const free = await freeBytes(spool.dir)
  if (free === undefined || needed <= free) return
  yield {
    ...{ severity: 'error', code: 'preflight/disk', what: 'too little room for the spool', where: spool.dir },
    details: [
      `about ${formatBytes(needed)} are needed (the size of the TSM files and a tenth), ${formatBytes(free)} are free; ` +
        'another disk is named with spool: { dir: ... }, and "transfer: direct" needs no spool',
    ],
    remedies: [{ kind: 'manifest', keys: { transfer: 'direct' } }],
  }
}

/** Of the disk that the folder is on, or will be on. */
async function freeBytesAt(folder: string): Promise<number | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    const disk = await statfs(at).catch(() => undefined)
    if (disk !== undefined) return disk.bavail * disk.bsize
    if (dirname(at) === at) return undefined
  }
}

export function* checkClock({ clockDifference = 0 }: ClusterFacts, url: string): Generator<PreflightFinding> {
  if (Math.abs(clockDifference) <= CLOCK_TOLERANCE) return
  const minutes = Math.round(Math.abs(clockDifference) / 60_000)
  yield {
    ...{ severity: 'warning', code: 'preflight/clock', what: 'clocks differ', where: url, remedies: [] },
    details: [
      `the cluster's is ${countOf(minutes, 'minute')} ${clockDifference > 0 ? 'ahead' : 'behind'}: retention and the ends of tokens go by it`,
    ],
  }
}

/** A token that may not write is an error; one that may not read is, where what arrived is to be verified. */
export function* checkTokens(
  { refusals }: Pick<ClusterFacts, 'refusals'>,
  { verify }: Pick<Migration, 'verify'>,
): Generator<PreflightFinding> {
  const groups = new Map<string, TokenRefusal[]>()
  for (const refusal of refusals) {
    const key = `${refusal.action} ${refusal.description}`
    groups.set(key, [...(groups.get(key) ?? []), refusal])
  }
  for (const group of groups.values()) {
    const [{ description = '', action = 'write', reason = '' } = {}] = group
    const where = group.map(({ database }) => database).join(', ')
    const unless = action === 'read' ? ', or say "verify: { level: none }"' : ''
    yield {
      severity: action === 'write' || verify.level !== 'none' ? 'error' : 'warning',
      ...{ code: 'preflight/token', what: `token that may not ${action}`, where },
      details: [`"${description}": ${reason}`],
      remedies: [
        { kind: 'words', text: `Give a token in the manifest that may ${action} ${where}${unless}.` },
      ],
    }
  }
}
