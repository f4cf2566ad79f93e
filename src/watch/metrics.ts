/** A run's figures for Prometheus. They are read from the state when they are asked for: counting twice could differ. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import { version } from '../core/version.ts'
import { PHASES, type Phase, type RunEvent } from '../run/events.ts'
import { totalsOf, type Totals } from '../state/totals.ts'
import type { Acknowledged } from '../state/state.generated.ts'
import type { Followed } from './followed.ts'

export class RunMetrics {
  readonly #registry = new Registry()
  readonly #followed: Followed
  #hasBegun = false
  #phase: Phase | undefined
  #progress: { phase: Phase; part: number } | undefined
  #lanes = { open: 0, of: 0, retries: 0 }
  #warnings = 0

  constructor(followed: Followed) {
    this.#followed = followed
    this.#registerAcknowledged()
    this.#registerSlices()
    this.#registerPhases()
    this.#registerLanes()
    collectDefaultMetrics({ register: this.#registry })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  observe(event: RunEvent): void {
    if (event.type === 'run-started') this.#hasBegun = true
    else if (event.type === 'phase-started') this.#phase = event.phase
    else if (event.type === 'phase-done' || event.type === 'phase-failed') this.#phase = undefined
    else if (event.type === 'lanes') this.#lanes = event
    else if (event.type === 'warning') this.#warnings += 1
    else if (event.type === 'progress') {
      const { done, total } = event.progress
      this.#progress = { phase: event.phase, part: total === 0 ? 0 : done / total }
    }
  }

  /** In Prometheus's text format. */
  read(): Promise<string> {
    return this.#registry.metrics()
  }

  #registerAcknowledged(): void {
    const parts: [keyof Acknowledged, string][] = [
      ['rows', 'Rows that the cluster acknowledged in this run'],
      ['points', 'Points in the rows that the cluster acknowledged in this run'],
      ['bytes', 'Gzipped bytes that the cluster acknowledged in this run'],
      ['batches', 'Batches that the cluster acknowledged in this run'],
    ]
    for (const [part, help] of parts)
      this.#counter(`acknowledged_${part}_total`, help, () => this.#acknowledged()[part])
    this.#counter(
      'refused_rows_total',
      'Rows that the cluster refused in this run',
      () => this.#acknowledged().refusedRows,
    )
    this.#counter('warnings_total', 'Warnings of this run', () => this.#warnings)
  }

  #registerSlices(): void {
    this.#gauge('slices', 'Slices by status', ['status'], (gauge) => {
      for (const [status, count] of Object.entries(this.#totals().slices)) gauge.set({ status }, count)
    })
    this.#gauge('dead_letter_points', 'Points in the dead letters, of all runs', [], (gauge) =>
      gauge.set(this.#totals().refusedPoints),
    )
  }

  #registerPhases(): void {
    this.#gauge('phase', '1 for the phase that is at work', ['phase'], (gauge) => {
      for (const phase of PHASES) gauge.set({ phase }, phase === this.#phase ? 1 : 0)
    })
    this.#gauge('phase_seconds', 'Time that a phase of this run took', ['phase'], (gauge) => {
      for (const { phase, seconds } of this.#run()?.phases ?? [])
        if (seconds !== undefined) gauge.set({ phase }, seconds)
    })
    this.#gauge(
      'progress_ratio',
      'Done part of the phase that told of its progress last',
      ['phase'],
      (gauge) => {
        gauge.reset()
        if (this.#progress !== undefined) gauge.set({ phase: this.#progress.phase }, this.#progress.part)
      },
    )
    this.#gauge('info', 'What is run', ['name', 'environment', 'version'], (gauge) => {
      const { name, environment = '' } = this.#followed.migration
      gauge.set({ name, environment, version }, 1)
    })
  }

  #registerLanes(): void {
    this.#gauge(
      'lanes_open',
      'Requests that may be under way at once; fewer while the cluster is overloaded',
      [],
      (gauge) => gauge.set(this.#lanes.open),
    )
    this.#gauge('lanes_allowed', 'Requests that the manifest lets be under way at once', [], (gauge) =>
      gauge.set(this.#lanes.of),
    )
    this.#counter('retries_total', 'Requests made again', () => this.#lanes.retries)
  }

  #run() {
    return this.#hasBegun ? this.#followed.state.state.runs.at(-1) : undefined
  }

  #acknowledged(): Acknowledged {
    return this.#run()?.acknowledged ?? NOTHING
  }

  #totals(): Totals {
    return totalsOf(this.#followed.slices, this.#followed.state.state)
  }

  #counter(name: string, help: string, read: () => number): void {
    new Counter({
      ...{ name: `influx_ferry_${name}`, help, registers: [this.#registry] },
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  }

  #gauge(name: string, help: string, labelNames: string[], collect: (gauge: Gauge) => void): void {
    new Gauge({
      ...{ name: `influx_ferry_${name}`, help, labelNames, registers: [this.#registry] },
      collect() {
        collect(this)
      },
    })
  }
}

const NOTHING: Acknowledged = { batches: 0, rows: 0, points: 0, refusedRows: 0, refusedPoints: 0, bytes: 0 }
