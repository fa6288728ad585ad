/** Runs jobs in the order they came, at most `width` at a time. */

export class Queue {
  #waiting = [];
  #running = 0;
  #width;

  constructor(width) {
    this.#width = width;
  }

  /** `job` is a function that returns a promise and never rejects. */
  add(job) {
    this.#waiting.push(job);
    this.#next();
  }

  /** Remove a job that has not started; a running one continues. */
  withdraw(job) {
    this.#waiting = this.#waiting.filter((other) => other !== job);
  }

  async #next() {
    if (this.#running >= this.#width || !this.#waiting.length) return;
    this.#running += 1;
    await this.#waiting.shift()();
    this.#running -= 1;
    this.#next();
  }
}
