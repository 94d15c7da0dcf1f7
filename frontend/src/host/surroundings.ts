/** Which host stands around the page. */

export type Surroundings = 'forge' | 'connect' | 'standalone';

interface Place {
  /** Put there by Forge before any script of the page runs; @forge/bridge calls the one function in it. */
  __bridge?: unknown;
  parent: unknown;
}

/** Forge brings its bridge, Connect frames the page without one, and a self-hosted page has the window to itself. */
export function surroundings(place: Place): Surroundings {
  const bridge = place.__bridge as { callBridge?: unknown } | null | undefined;
  if (typeof bridge?.callBridge === 'function') return 'forge';
  return place.parent === place ? 'standalone' : 'connect';
}
