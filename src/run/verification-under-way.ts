import { version } from '../core/version.ts'
import type { Slice } from '../plan/plan.ts'
import { readVerification, verificationPath, writeVerification } from '../verify/verification-file.ts'
import type { Verification } from '../verify/verification.generated.ts'
import { withoutSlices, withSlice } from '../verify/verification-record.ts'
import type { SliceResult } from '../verify/verify-slices.ts'
import type { RunContext } from './context.ts'

/** The record under way, and the state that follows it. */
export class VerificationUnderWay {
  readonly #context: RunContext
  readonly #path: string
  #record: Verification
  #saved = 0
  #lastSave: Promise<void> = Promise.resolve()

  private constructor(context: RunContext, path: string, record: Verification) {
    this.#context = context
    this.#path = path
    this.#record = record
  }

  /** What was found before of other slices stays. */
  static async open(
    context: RunContext,
    how: Pick<Verification, 'level' | 'source'>,
  ): Promise<VerificationUnderWay> {
    const { migration, clock, state, plan } = context
    const path = verificationPath(state.path)
    const before = await readVerification(path)
    const planned = new Set(plan.slices.map(({ id }) => id))
    const kept =
      before?.name === migration.name
        ? withoutSlices(before, (id) => !planned.has(id) || state.state.slices[id]?.status !== 'written')
        : undefined
    return new VerificationUnderWay(context, path, {
      format: 1,
      name: migration.name,
      ...(migration.environment !== undefined && { environment: migration.environment }),
      manifestHash: migration.hash,
      version,
      startedAt: new Date(clock.now()).toISOString(),
      ...how,
      slices: kept?.slices ?? {},
      differences: kept?.differences ?? [],
      ...(kept?.differencesLeftOut !== undefined && { differencesLeftOut: kept.differencesLeftOut }),
    })
  }

  async add(slice: Slice, result: SliceResult): Promise<void> {
    const { clock, state } = this.#context
    this.#record = withSlice(this.#record, slice.id, result)
    const at = new Date(clock.now()).toISOString()
    const { level } = this.#record
    state.apply({
      type: 'slice-verified',
      slice: slice.id,
      verified: { at, level, outcome: result.verification.outcome },
    })
    if (clock.now() - this.#saved > SAVE_EVERY) await this.save()
  }

  async finish(): Promise<Verification> {
    this.#record = { ...this.#record, endedAt: new Date(this.#context.clock.now()).toISOString() }
    await this.save()
    return this.#record
  }

  /** The record first: what the state says was compared is in it. */
  save(): Promise<void> {
    this.#saved = this.#context.clock.now()
    this.#lastSave = this.#lastSave.then(async () => {
      await writeVerification(this.#path, this.#record)
      await this.#context.state.save()
    })
    return this.#lastSave
  }
}

/** Milliseconds. */
const SAVE_EVERY = 2000
