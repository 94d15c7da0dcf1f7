/** How a mail server is reached, and what trying it found, as the HTTP API has it. */

export type Security = 'tls' | 'starttls' | 'none';

export interface TestProblem {
  title: string;
  detail: string | null;
  remedy: string | null;
  field: string | null;
}

export interface TestResult {
  ok: boolean;
  findings: string[];
  problem: TestProblem | null;
  folders?: string[];
}
