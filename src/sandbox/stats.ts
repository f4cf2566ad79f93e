/** What the sandbox has seen, for tests: also at GET /sandbox/stats. */
export interface SandboxStats {
  /** Requests to /write and /api/v2/write. */
  writeRequests: number
  /** How often each status was answered to one; 0 counts connections broken off by a fault. */
  byStatus: Record<number, number>
  /** Lines written, whether acknowledged or not. */
  lines: number
  /** Field values written. */
  points: number
  /** How often each body (hex SHA-256 of the decompressed bytes) was acknowledged with 204. */
  bodies: Record<string, number>
}

export function newStats(): SandboxStats {
  return { writeRequests: 0, byStatus: {}, lines: 0, points: 0, bodies: {} }
}

export function count<K extends string | number>(counts: Record<K, number>, key: K): void {
  counts[key] = (counts[key] ?? 0) + 1
}
