/** Light and dark as the host has it, with the style sheets that the page carries itself. */
import { setGlobalTheme } from '@atlaskit/tokens/set-global-theme';
import type { ColorMode } from './color';
import { THEMES } from './themes';

export async function applyTheme(mode: ColorMode): Promise<void> {
  await setGlobalTheme({ colorMode: mode, light: 'light', dark: 'dark' }, adopt);
}

const adopted = new Set<string>();

/** Adopted sheets instead of Atlaskit's style elements: they need no 'unsafe-inline' in the page's policy. */
function adopt(theme: string): void {
  const css = THEMES[theme];
  if (css === undefined || adopted.has(theme)) return;
  adopted.add(theme);
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets.push(sheet);
}
