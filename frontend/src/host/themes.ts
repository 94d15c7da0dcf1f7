/**
 * The token themes this page can show, by Atlaskit's ids: the two colour modes and what belongs to both.
 *
 * Takes the place of Atlaskit's own map of two dozen themes (see vite.config.mts), so that only these are built.
 */
import dark from '@atlaskit/tokens/dist/esm/artifacts/themes/atlassian-dark';
import light from '@atlaskit/tokens/dist/esm/artifacts/themes/atlassian-light';
import motion from '@atlaskit/tokens/dist/esm/artifacts/themes/atlassian-motion';
import shape from '@atlaskit/tokens/dist/esm/artifacts/themes/atlassian-shape';
import spacing from '@atlaskit/tokens/dist/esm/artifacts/themes/atlassian-spacing';
import typography from '@atlaskit/tokens/dist/esm/artifacts/themes/atlassian-typography';

export const THEMES: Readonly<Record<string, string>> = { light, dark, motion, shape, spacing, typography };

export const themeImportMap = Object.fromEntries(
  Object.entries(THEMES).map(([id, css]) => [id, () => Promise.resolve({ default: css })]),
);

export default themeImportMap;
