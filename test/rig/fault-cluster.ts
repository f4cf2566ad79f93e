/** The sandbox as a process that can be killed and started again over what it has stored, for histories of faults. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FERRY } from './ferry.ts'
import { launch, type Launched } from './influxd-server.mjs'

export interface FaultCluster {
  url: string
  managementToken: string
  /** Ends it, if it runs, and starts it again at the same port. */
  restart(faults: readonly string[]): Promise<void>
  kill(): Promise<void>
  remove(): Promise<void>
}

export async function openFaultCluster(faults: readonly string[]): Promise<FaultCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'influx-ferry-faults-'))
  const tokenFile = join(folder, 'management-token')
  let launched: Launched | undefined
  let port = '0'
  const start = async (specs: readonly string[]) => {
    const place = ['--port', port, '--dir', join(folder, 'data'), '--management-token-file', tokenFile]
    const hurt = specs.flatMap((spec) => ['--fault', spec])
    launched = await launch(
      process.execPath,
      [FERRY, 'sandbox', ...place, ...hurt],
      /listens at (http:\/\/\S+:(\d+))/,
    )
  }
  const kill = async () => {
    launched?.child.kill('SIGKILL')
    await launched?.ended
  }
  await start(faults)
  const [, url = '', found = ''] = launched?.match ?? []
  port = found
  return {
    url,
    managementToken: (await readFile(tokenFile, 'utf8')).trim(),
    kill,
    async restart(specs) {
      await kill()
      await start(specs)
    },
    async remove() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
