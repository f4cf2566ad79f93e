/** A sandbox with a database and a token, for tests that talk to it over real sockets. */
import { startSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/server.ts'

export interface Answer {
  status: number
  body: string
  headers: Headers
}

export interface OpenSandbox extends Sandbox {
  /** May read and write every database. */
  token: string
  /** `path` is what follows /api/v0. */
  admin(method: string, path: string, body?: unknown): Promise<Answer>
  write(lines: string | Uint8Array, parameters?: Record<string, string>, init?: RequestInit): Promise<Answer>
  query(q: string, parameters?: Record<string, string>): Promise<Answer>
}

/** Starts a sandbox that holds a database `db`, created with `database`'s settings. */
export async function openSandbox(
  options: SandboxOptions = {},
  database: Record<string, unknown> = {},
): Promise<OpenSandbox> {
  const sandbox = await startSandbox(options)
  const send = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(sandbox.url + path, init)
    return { status: response.status, body: await response.text(), headers: response.headers }
  }
  const admin: OpenSandbox['admin'] = (method, path, body) =>
    send(`/api/v0${path}`, {
      method,
      headers: { authorization: `Bearer ${sandbox.managementToken}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  await admin('POST', '/databases', { name: 'db', ...database })
  const everything = ['read', 'write'].map((action) => ({ action, resource: '*' }))
  const made = await admin('POST', '/tokens', { description: 'tests', permissions: everything })
  const token = (JSON.parse(made.body) as { accessToken: string }).accessToken
  return {
    ...sandbox,
    token,
    admin,
    write: (lines, parameters = {}, init = {}) =>
      send(
        `/api/v2/write?${new URLSearchParams({ bucket: 'db', precision: 'ns', ...parameters }).toString()}`,
        {
          method: 'POST',
          body: lines as string,
          ...init,
          headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) },
        },
      ),
    query: (q, parameters = {}) =>
      send(`/query?${new URLSearchParams({ db: 'db', epoch: 'ns', q, ...parameters }).toString()}`, {
        headers: { authorization: `Bearer ${token}` },
      }),
  }
}

/** The first statement's series of an answer. */
export function seriesOf({
  body,
}: Answer): { name: string; tags?: object; columns: string[]; values: unknown[][] }[] {
  const { results } = JSON.parse(body) as { results: { series?: [] }[] }
  return results[0]?.series ?? []
}
