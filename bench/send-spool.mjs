// The least that writing can take: the batches of a spool, ready as they are, POSTed by a loop with four requests under way.
//   node bench/send-spool.mjs SPOOL.lp.gz URL v1|v2 DATABASE
import { openSync, readFileSync, readSync } from 'node:fs'
import { Agent, request } from 'node:http'

const [spool, url, api, database] = process.argv.slice(2)
const { batches } = JSON.parse(readFileSync(`${spool}.index.json`, 'utf8'))
const file = openSync(spool, 'r')
const target =
  api === 'v1'
    ? `${url}/write?db=${database}&precision=ns`
    : `${url}/api/v2/write?bucket=${database}&precision=ns`
const agent = new Agent({ keepAlive: true })
const headers = { 'content-encoding': 'gzip', 'content-type': 'text/plain; charset=utf-8' }
const send = (body) =>
  new Promise((resolve, reject) => {
    const answered = (response) => response.resume().on('end', () => resolve(response.statusCode))
    request(target, { method: 'POST', agent, headers }, answered).on('error', reject).end(body)
  })
const queue = batches.values()
const lane = async () => {
  for (const { offset, bytes } of queue) {
    const body = Buffer.allocUnsafe(bytes)
    readSync(file, body, 0, bytes, offset)
    const status = await send(body)
    if (status !== 204) throw new Error(`${status}`)
  }
}
await Promise.all([lane(), lane(), lane(), lane()])
agent.destroy()
