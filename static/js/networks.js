/** The networks on offer: the visitor's choice among them, and their factors on the price. */

export class Networks {
  #choice; // the fieldset, null where there is one network only

  constructor(workbench) {
    this.#choice = workbench.querySelector("#networks");
  }

  /** The name for the next pictures; "" stands for the default. */
  get chosen() {
    const radio = this.#choice?.querySelector(":checked");
    return radio && !radio.hasAttribute("data-default") ? radio.value : "";
  }

  /** The factor on the price of a network, as text. */
  factorOf(name) {
    const radios = [...(this.#choice?.querySelectorAll("input") ?? [])];
    const radio = radios.find((one) => (name ? one.value === name : one.hasAttribute("data-default")));
    return radio?.dataset.factor ?? "1";
  }
}
