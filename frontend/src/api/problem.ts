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

/** Services name a status by its phrase alone ("Unprocessable Entity"): what they have to say stands in `detail`. */
const WORDS: Readonly<Record<number, { title: string; detail: string }>> = {
  400: { title: 'Mailbridge did not understand the request', detail: 'Reload the page: it may be older than the server.' },
  401: { title: 'Your session has ended', detail: 'Reload the page in Jira.' },
  403: { title: 'You may not use this page', detail: 'Only people who administer Jira may use it.' },
  404: { title: 'This is not there', detail: 'Somebody may have deleted it.' },
  409: { title: 'This cannot be done now', detail: 'Look at how it stands now and try again.' },
  413: { title: 'This is too large', detail: 'Shorten it and try again.' },
  422: { title: 'Some fields need your attention', detail: 'See the sentences below them.' },
  429: { title: 'Too many requests', detail: 'Wait a moment and try again.' },
  500: { title: 'Something went wrong in Mailbridge', detail: 'Give the request’s number to whoever runs it.' },
  502: { title: 'Another server did not do what was asked', detail: 'Try again in a moment.' },
  503: { title: 'Mailbridge is not ready', detail: 'Try again in a moment.' },
};

/** The problem an answer of status 400 and above tells of; also right for answers that are no problem+json (a proxy's page). */
export function problemOf(status: number, body: unknown): Problem {
  const said = isRecord(body) ? body : {};
  const words = WORDS[status];
  const title = words?.title ?? text(said.title) ?? `Mailbridge answered with an error (${status})`;
  const detail = text(said.detail) ?? words?.detail ?? null;
  return new Problem(status, title, detail, fieldErrors(said.errors), text(said.request_id));
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
