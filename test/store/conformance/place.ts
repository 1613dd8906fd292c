import type { Store } from '#store/contract.ts';

/** Where one test's data lives: opened any number of times, by this process as if by several. */
export interface Place {
  open(): Promise<Store>;
  /** Closes what was opened and removes the data. */
  remove(): Promise<void>;
}

export type MakePlace = () => Promise<Place>;

/** Runs a test's body in a new place, which is removed whatever happens. */
export async function inPlace(
  makePlace: MakePlace,
  body: (place: Place) => Promise<void>,
): Promise<void> {
  const place = await makePlace();
  try {
    await body(place);
  } finally {
    await place.remove();
  }
}

/** The body gets one store, and a second one as another process would open it. */
export async function inStores(
  makePlace: MakePlace,
  body: (store: Store, other: Store) => Promise<void>,
): Promise<void> {
  await inPlace(makePlace, async (place) => body(await place.open(), await place.open()));
}
