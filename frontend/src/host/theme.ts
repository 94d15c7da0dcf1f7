/** Light and dark as the host has it, with the style sheets that the page carries itself. */
import { setGlobalTheme } from '@atlaskit/tokens/set-global-theme';

export type ColorMode = 'light' | 'dark' | 'auto';

export async function applyTheme(mode: ColorMode): Promise<void> {
  await setGlobalTheme({ colorMode: mode, light: 'light', dark: 'dark' });
}

/** The colour mode in a host's theme: hosts that say nothing are light, as Jira was before it had themes. */
export function colorModeOf(theme: Readonly<Record<string, unknown>>): ColorMode {
  const mode = theme.colorMode;
  return mode === 'dark' || mode === 'auto' ? mode : 'light';
}
