/** Margins as the share of the frame that the subject fills, and back. */

/**
 * Per cent of the frame's width that the cropped subject has room in, if that is so of the height
 * too; null where it is not, or depends on the picture. `margin` is of geometry.parseMargin.
 */
export function fillOf({ margin, target }) {
  const [top, right, bottom, left] = margin.map(({ units, scale, percent }) => {
    const value = Number(units) / Number(scale);
    if (percent) return value / 100;
    return target ? value / target[0] : value && Number.NaN;
  });
  const across = target ? 1 - left - right : 1 / (1 + left + right);
  const down = target ? 1 - ((top + bottom) * target[0]) / target[1] : across;
  const isOne = Math.abs(across - down) < 0.005 && across > 0;
  return isOne ? Math.round(across * 1000) / 10 : null;
}

/** The margins, as text, with which the subject fills `perCent` of the frame. */
export function marginFor(perCent, target) {
  const spare = (100 - perCent) / 2;
  if (!target) return percent((spare / perCent) * 100);
  const [side, above] = [percent(spare), percent((spare * target[1]) / target[0])];
  return side === above ? side : `${above} ${side}`;
}

function percent(value) {
  return value > 0 ? `${Number(value.toFixed(3))}%` : "0";
}
