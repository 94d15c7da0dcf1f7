/** What went wrong with a request, in words for the person and per field: RFC 9457 problem details as we use them. */

export type FieldErrors = Readonly<Record<string, readonly string[]>>;

export class Problem extends Error {
  constructor(
    /** The HTTP status, 0 when there was no answer. */
    readonly status: number,
    readonly title: string,
    readonly detail: string | null = null,
    readonly errors: FieldErrors = {},
    readonly requestId: string | null = null,
  ) {
    super(detail === null ? title : `${title}. ${detail}`);
    this.name = 'Problem';
  }
}

const TITLES: Readonly<Record<number, string>> = {
  401: 'Your session has ended. Reload the page in Jira',
  403: 'Only Jira administrators can use this page',
  404: 'This is no longer there. Somebody may have deleted it',
  413: 'That is too large to send',
  429: 'Too many requests. Wait a moment and try again',
  503: 'Mailbridge is not ready. Try again in a minute',
};

/** The problem an answer of status 400 and above tells of; also right for answers that are no problem+json (a proxy's page). */
export function problemOf(status: number, body: unknown): Problem {
  const said = isRecord(body) ? body : {};
  const title = TITLES[status] ?? text(said.title) ?? `Mailbridge answered with an error (${status})`;
  return new Problem(status, title, text(said.detail), fieldErrors(said.errors), text(said.request_id));
}

/** Any thrown thing as a problem, so that a view has one shape to show. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  return new Problem(0, thrown instanceof Error ? thrown.message : String(thrown));
}

/** Errors by field; errors of a nested object carry the path with dots: `project.key`. */
function fieldErrors(errors: unknown, prefix = ''): Record<string, readonly string[]> {
  if (!isRecord(errors)) return {};
  return Object.entries(errors).reduce<Record<string, readonly string[]>>((found, [name, value]) => {
    const path = prefix + name;
    if (Array.isArray(value)) return { ...found, [path]: value.map(String) };
    if (typeof value === 'string') return { ...found, [path]: [value] };
    return { ...found, ...fieldErrors(value, `${path}.`) };
  }, {});
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
