/** Light and dark as the host has it, with the style sheets that the page carries itself. */
import { setGlobalTheme } from '@atlaskit/tokens/set-global-theme';
import type { ColorMode } from './color';

export async function applyTheme(mode: ColorMode): Promise<void> {
  await setGlobalTheme({ colorMode: mode, light: 'light', dark: 'dark' });
}
