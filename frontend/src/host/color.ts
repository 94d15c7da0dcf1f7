/** Which colours a host's theme asks for. */

export type ColorMode = 'light' | 'dark' | 'auto';

/** The colour mode in a host's theme: hosts that say nothing are light, as Jira was before it had themes. */
export function colorModeOf(theme: Readonly<Record<string, unknown>>): ColorMode {
  const mode = theme.colorMode;
  return mode === 'dark' || mode === 'auto' ? mode : 'light';
}
