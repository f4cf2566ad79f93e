/** What a run tells while it works. `schemas/event.schema.json` describes the same facts as `--json` writes them. */
import type { ExportCounts } from '../lines/accounting.ts'
import type { SliceSent } from '../state/state.generated.ts'
import type { Totals } from '../state/totals.ts'

export const PHASES = ['validate', 'export', 'create', 'token', 'write'] as const
export type Phase = (typeof PHASES)[number]

export interface Progress {
  /** Slices finished in this phase, and in all. */
  slices: number
  slicesTotal: number
  rows: number
  /** Work done and in all, in the phase's own measure (source bytes; gzipped bytes): what the percentage is of. */
  done: number
  total: number
  /** Bytes the rate is of: line protocol read, or gzipped bytes sent. */
  bytes: number
}

export type RunEvent =
  | { type: 'run-started'; name: string; manifest: string; environment: string | undefined; slices: number }
  | { type: 'phase-started'; phase: Phase }
  | { type: 'phase-done'; phase: Phase; summary: string }
  | { type: 'phase-skipped'; phase: Phase; summary: string }
  | { type: 'phase-failed'; phase: Phase; code: string; message: string }
  | { type: 'progress'; phase: Phase; progress: Progress }
  | { type: 'slice-exported'; slice: string; counts: ExportCounts; seconds: number }
  | { type: 'slice-written'; slice: string; sent: SliceSent; seconds: number }
  | { type: 'slice-failed'; slice: string; code: string; message: string }
  | { type: 'note'; message: string }
  | { type: 'warning'; message: string }
  | { type: 'run-ended'; outcome: string; exitCode: number; totals: Totals }

export type Observer = (event: RunEvent) => void
