/**
 * The state on disk: one JSON file that is replaced as a whole, so that a crash leaves the state before or after
 * an event, never between. `schemas/state.schema.json` describes it.
 */
import { readFile } from 'node:fs/promises'
import type { ValidateFunction } from 'ajv/dist/2020.js'
import { hashOf } from '../core/canonical-json.ts'
import { Failure, reasonOf, systemCodeOf } from '../core/failure.ts'
import { writeFileAtomically } from '../io/atomic-file.ts'
import type { State } from './state.generated.ts'
import validator from './state-validator.generated.ts'
import { reduce, type StateEvent } from './state.ts'

const validate = validator as ValidateFunction<State>

/**
 * Reads a state file; `undefined` when there is none yet.
 *
 * @throws Failure `state/damaged` (not JSON, cut off), `state/edited` (checksum), `state/version`, `state/unreadable`
 */
export async function readState(path: string): Promise<State | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw new Failure('state/unreadable', `cannot read the state file: ${reasonOf(error)}`, {
      where: path,
      remedy: 'Make it readable for you, or name another one (--state).',
      cause: error,
    })
  }
  return parseState(text, path)
}

const START_OVER =
  'Restore the state file from a copy. Without one, move it away and run again: existing databases are kept and ' +
  'compared, everything is exported anew, and rows that the cluster already holds are written again with the same ' +
  'values, which changes nothing.'

function parseState(text: string, path: string): State {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    // Not with the parser's own words: they quote the file, and it may be any file.
    throw new Failure('state/damaged', 'this is not a state file, or it is damaged or cut off', {
      where: path,
      remedy: START_OVER,
    })
  }
  const { format, checksum, ...rest } = (content ?? {}) as State
  if (format !== undefined && format !== 1) {
    throw new Failure(
      'state/version',
      `the state file has format ${String(format)}; this version reads format 1`,
      {
        where: path,
        remedy: 'Use the version of influx-ferry that wrote it, or a newer one.',
      },
    )
  }
  if (!validate(content)) {
    const [first] = validate.errors ?? []
    throw new Failure(
      'state/damaged',
      `this is not a state file, or it is damaged: ${first?.instancePath || 'it'} ${first?.message ?? ''}`,
      {
        where: path,
        remedy: START_OVER,
      },
    )
  }
  if (checksum !== undefined && checksum !== hashOf({ format, ...rest })) {
    throw new Failure(
      'state/edited',
      'the state file was changed by something other than influx-ferry: its checksum differs',
      {
        where: path,
        remedy: `If the edit was meant, remove the "checksum" line.\n${START_OVER}`,
      },
    )
  }
  return { format, ...rest }
}

/** The state of a run under way: events go in, the file follows. */
export class StateFile {
  readonly path: string
  #state: State
  #lastSave: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #delay = MIN_SAVE_INTERVAL
  #dirty = false
  #failure: Error | undefined

  constructor(path: string, state: State) {
    this.path = path
    this.#state = state
  }

  get state(): State {
    return this.#state
  }

  /** Takes an event in; the file follows within a second or so ({@link save} makes it now). */
  apply(event: StateEvent): void {
    if (this.#failure !== undefined) throw this.#failure
    this.#state = reduce(this.#state, event)
    this.#dirty = true
    this.#timer ??= setTimeout(() => {
      this.save().catch((error: Error) => (this.#failure = error))
    }, this.#delay)
  }

  /** Resolves when everything taken in so far is on disk. */
  save(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#lastSave = this.#lastSave.then(() => this.#write())
    return this.#lastSave
  }

  async #write(): Promise<void> {
    if (!this.#dirty) return
    this.#dirty = false
    const started = performance.now()
    const content = { ...this.#state, checksum: hashOf(this.#state) }
    try {
      await writeFileAtomically(this.path, `${JSON.stringify(content, null, 1)}\n`)
    } catch (error) {
      throw new Failure('state/unwritable', `cannot write the state file: ${reasonOf(error)}`, {
        where: this.path,
        remedy:
          'Free the disk or mend the permissions and run again: what was acknowledged since the last save is sent once more.',
        cause: error,
      })
    }
    this.#delay = Math.max(MIN_SAVE_INTERVAL, SAVE_SHARE * (performance.now() - started))
  }
}

/** Milliseconds between two saves; a large state is saved so seldom that saving takes a twentieth of the time. */
const MIN_SAVE_INTERVAL = 500
const SAVE_SHARE = 20
