import type { Faults } from './faults.ts'
import type { SandboxStats } from './stats.ts'
import type { Store } from './store.ts'

/** What the endpoints share. */
export interface Cluster {
  store: Store
  managementToken: string
  /** Bytes of a body, compressed as well as decompressed. */
  maxBodyBytes: number
  /** Bytes of a name or string. */
  stringLimit: number
  faults: Faults
  /** Write requests since the faults were set. */
  faultRequests: number
  random: () => number
  stats: SandboxStats
}
