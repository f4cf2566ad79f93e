import { readFile } from 'node:fs/promises'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { text } from 'node:stream/consumers'
import { messageOf } from '../../core/failure.ts'
import { parseJson } from '../exact-json.ts'
import { InfluxctlError } from './flags.ts'
import type { Profile } from './profile.ts'

/** What the commands of the stand-in share. */
export interface Session {
  profile: Profile
  /** The influxctl release it answers like. */
  version: Version
  stdout: (text: string) => void
  stderr: (text: string) => void
}

export type Version = readonly [major: number, minor: number, patch: number]

export function atLeast(version: Version, ...wanted: Version): boolean {
  for (const [i, part] of wanted.entries()) {
    const own = version[i] ?? 0
    if (own !== part) return own > part
  }
  return true
}

const GRPC: Record<number, string> = {
  400: 'InvalidArgument',
  401: 'Unauthenticated',
  403: 'PermissionDenied',
  404: 'NotFound',
  409: 'AlreadyExists',
}

/** A call of the management plane, answered in JSON. @throws InfluxctlError in the shape of a gRPC error */
export async function manage(
  session: Session,
  method: string,
  path: string,
  body?: string,
): Promise<unknown> {
  const { managementToken } = session.profile
  if (managementToken === undefined)
    throw new InfluxctlError('the profile has no mgmt_token: the stand-in can open no browser for OAuth')
  const { status, text } = await call(session, method, `/api/v0${path}`, managementToken, body)
  if (status < 300) return text === '' ? undefined : parseJson(text)
  const { message } = parseJson(text) as { message?: string }
  throw new InfluxctlError(`rpc error: code = ${GRPC[status] ?? 'Unknown'} desc = ${message ?? text}`)
}

/** @throws InfluxctlError when no answer comes */
export async function call(
  { profile }: Session,
  method: string,
  path: string,
  token: string,
  body?: string,
): Promise<{ status: number; text: string }> {
  const { insecure, ca, cert, key } = profile.tls
  const file = async (path: string | undefined) =>
    path === undefined ? undefined : await readFile(path, 'utf8')
  const { request } = profile.url.startsWith('https:') ? https : http
  try {
    const options = {
      method,
      headers: { authorization: `Bearer ${token}` },
      agent: false,
      rejectUnauthorized: !insecure,
      ca: await file(ca),
      cert: await file(cert),
      key: await file(key),
    }
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(profile.url + path, options)
        .on('response', resolve)
        .on('error', reject)
        .end(body)
    })
    return { status: response.statusCode ?? 0, text: await text(response) }
  } catch (error) {
    throw new InfluxctlError(`rpc error: code = Unavailable desc = connection error: ${messageOf(error)}`)
  }
}
