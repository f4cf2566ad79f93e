import type { Observer } from '../run/events.ts'

/** Every event as one JSON object a line, with the time it was told. */
export function jsonEvents(out: NodeJS.WritableStream): Observer {
  return (event) => {
    const { type, ...facts } = event
    out.write(`${JSON.stringify({ time: new Date().toISOString(), type, ...facts })}\n`)
  }
}
