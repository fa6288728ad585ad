/** How long the rest will take, by how quickly the pictures came so far. */

const ENOUGH = 2; // pictures to judge by

export class Pace {
  #began = null; // when work began, in milliseconds
  #settled = 0; // since then

  /** Tell how many pictures are under way, or wait to be, and whether one has just ended. */
  note(underWay, hasEnded = false) {
    if (!underWay) this.#began = null;
    else if (this.#began === null) [this.#began, this.#settled] = [performance.now(), 0];
    else if (hasEnded) this.#settled += 1;
  }

  /** Seconds until `count` more have ended, or null as long as nobody can say. */
  secondsFor(count) {
    if (this.#began === null || this.#settled < ENOUGH) return null;
    return (count * (performance.now() - this.#began)) / this.#settled / 1000;
  }
}
