/** Where a secret comes from. Resolved late, by `io/secrets.ts`, and never printed. */
export type Secret =
  | { kind: 'value'; value: string; variable: string } // came from ${variable}
  | { kind: 'file'; path: string }
  | { kind: 'command'; command: string[] }
