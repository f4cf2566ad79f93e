/** Clusters for histories of faults: a sandbox in this process, which is quick, or one that can be killed and started again. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSandbox } from '../../src/sandbox/server.ts'
import { FERRY } from './ferry.ts'
import { launch, type Launched } from './influxd-server.mjs'

export interface FaultCluster {
  url: string
  managementToken: string
  /** From now on; none: all is well. */
  setFaults(specs: readonly string[]): void
  remove(): Promise<void>
}

export interface KillableCluster extends FaultCluster {
  kill(): Promise<void>
  /** Over what it has stored, at the same port. */
  start(): Promise<void>
}

export async function openCluster(): Promise<FaultCluster> {
  const sandbox = await startSandbox({})
  return {
    url: sandbox.url,
    managementToken: sandbox.managementToken,
    setFaults: (specs) => sandbox.setFaults(specs),
    remove: () => sandbox.close(),
  }
}

/** It knows no faults: being killed is enough. */
export async function openKillableCluster(): Promise<KillableCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'influx-ferry-faults-'))
  const tokenFile = join(folder, 'management-token')
  let launched: Launched | undefined
  let port = '0'
  const start = async () => {
    const place = ['--port', port, '--dir', join(folder, 'data'), '--management-token-file', tokenFile]
    launched = await launch(process.execPath, [FERRY, 'sandbox', ...place], /listens at (http:\/\/\S+:(\d+))/)
  }
  const kill = async () => {
    launched?.child.kill('SIGKILL')
    await launched?.ended
  }
  await start()
  const [, url = '', found = ''] = launched?.match ?? []
  port = found
  return {
    ...{ url, kill, start },
    managementToken: (await readFile(tokenFile, 'utf8')).trim(),
    setFaults: () => undefined,
    async remove() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
