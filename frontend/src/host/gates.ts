/**
 * Atlaskit's feature gates, all off: stands in for `@atlaskit/feature-gate-js-client`, which would bring a client
 * of a gate service (50 kB gzip) and a warning for each gate, and is never connected here. See vite.config.ts.
 */
const FeatureGates = {
  checkGate: (): boolean => false,
  getExperimentValue: <T>(_experiment: string, _parameter: string, fallback: T): T => fallback,
};

export default FeatureGates;
