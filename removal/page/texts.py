"""The page's sentences outside of templates: those of its scripts and of its errors."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..error_table import TABLE
from ..errors import RemovalError
from ..limits import HourUsedUp

# Read by static/js/text.js; the script replaces {name}.
SCRIPT_TEXTS: dict[str, str | Promise] = {
    "waiting": _("Waiting for its turn …"),
    "bar.progress": _("{done} of {count}"),
    "bar.progressMinutes": _("{done} of {count}, about {minutes} min"),
    "bar.progressSoon": _("{done} of {count}, less than a minute"),
    "bar.ready": _("{ready} of {count} ready"),
    "bar.failed": _("{ready} of {count} ready, {failed} not"),
    "download": _("Download"),
    "downloadAll": _("Download all (ZIP)"),
    "zip.missing": _("{count} are still being worked on: {names}."),
    "zip.now": _("Download the {count} that are ready"),
    "zip.waiting": _("The download begins as soon as all are ready."),
    "zip.lacks": _("Not in the ZIP: {names}."),
    "andMore": _("{names} and {count} more"),
    "undo": _("Undo"),
    "undoOf": _("Undo: bring back {name}"),
    "removed": _("{name} is removed."),
    "removedAloud": _("{name} is removed. For ten seconds it can be brought back with Undo."),
    "restored": _("{name} is back."),
    "about": _("{name}: {sentence}"),
    "copiedPicture": _("{name} is copied."),
    "reduced": _("{width} × {height} of {fullWidth} × {fullHeight} px"),
    "ownOptions": _("own options"),
    "held": _("Waits for the next free picture of the hour."),
    "quota.none": _("There are no free pictures here."),
    "quota.left": _("{left} of {limit} free pictures left this hour."),
    "quota.waiting": _("{count} wait for the others and then go on."),
    "quota.waitingUntil": _("{count} wait and go on by themselves, the next one at {time}."),
    "offer.full": _("Full size, {credits} credits"),
    "offer.limited": _("Larger: {width} × {height} px, {credits} credits"),
    "offer.underWay": _("Full size: {status}"),
    "offer.back": _("{name} is here again. Full size costs {credits} credits; you have {balance}."),
    "offer.notCarried": _("Your touch-up could not be carried over to the full size."),
    "offer.notShelved": _(
        "This browser cannot keep {name} while you are away: sign in first, then choose it again."
    ),
    "reading": _("Reading …"),
    "uploading": _("Uploading … {percent} %"),
    "processing": _("Cutting out …"),
    "patience": _("Cutting out, or waiting its turn … {seconds} s"),
    "busy": _("The server is busy. Starting again in a moment …"),
    "cancelled": _("Cancelled."),
    "priced": _("{price}. Not started yet."),
    "price": _("{credits} credits"),
    "priceAtMost": _("At most {credits} credits"),
    "batchPrice": _("{count} × full resolution: {credits} credits in all."),
    "batchPriceAtMost": _("{count} × full resolution: at most {credits} credits in all."),
    "batchCharged": _("{credits} credits charged, {balance} left."),
    "lack": _("You need {credits} credits more."),
    "balance": _("You have {credits} credits."),
    "charged": _("{credits} credits charged"),
    "nothingFound": _("no subject found"),
    "stored": _("Kept from your last visit."),
    "lost": _("Not yet sent when the page was left: {names}. Please choose them again."),
    "forgotten": _("All pictures are deleted."),
    "announceDone": _("{name}: the cut-out is ready."),
    "size": _("{width} × {height} px"),
    "alt.before": _("{name}, original"),
    "alt.after": _("{name}, background removed"),
    "downloadName": _("{name}-cutout"),
    "error.offline": _("The server cannot be reached. Check your connection and try again."),
    "error.expired": _("This page has been open for too long. Reload it and try again."),
    "error.unexpected": _("The server gave an unexpected answer. Try again."),
    "error.tooManyBytes": _("This file is larger than {megabytes} MB. Choose a smaller one."),
    "error.empty": _("This file is empty. Choose another one."),
    "error.notAnImage": _(
        "This is not a picture. Choose a JPEG, PNG, WebP, HEIC, AVIF, TIFF, GIF or BMP file."
    ),
    "error.link": _("This is not a link. It begins with https:// or http://."),
    "archiveName": _("cut-outs"),
    "copied": _("Copied."),
    "preparing": _("Preparing the download …"),
    "error.copy": _("The browser did not allow copying."),
    "error.render": _("This result could not be made in the browser. Choose a smaller size."),
    "error.backgroundPicture": _("This file cannot be a background. Choose a picture."),
    "error.margin": _("Margin: one to four lengths in px or %, for example 10px or 5% 10px."),
    "error.marginTooLarge": _("The margins leave no room for the picture. Make them smaller."),
    "error.target": _("Size: width and height in whole pixels, both at least 1."),
    "error.resultTooLarge": _(
        "The result would be too large or too thin. Choose another size or margin."
    ),
    "editor.working": _("Finding the edge …"),
    "editor.applying": _("Moving the edges …"),
    "editor.keep": _("Kept."),
    "editor.remove": _("Removed."),
    "editor.undo": _("Undone."),
    "editor.redo": _("Redone."),
    "editor.subject": _("Subject {number}"),
    "editor.subjectDropped": _("Subject {number} is dropped."),
    "editor.subjectKept": _("Subject {number} is kept."),
    "error.gone": _("This picture is no longer kept."),
    "error.forget": _("The server could not be asked to delete it. Try again."),
    "error.part": _("This part of the page could not be loaded. Reload the page and try again."),
    "viewer.loading": _("Loading …"),
    "viewer.position": _("{name}, {number} of {count}"),
    "viewer.moved": _("{left} px from the left, {top} px from the top"),
    "error.noPictures": _("There are no pictures in what you dropped."),
    "error.manyPictures": _("Only the first {count} pictures of the folder are taken."),
    "error.folder": _("The folder could not be read. Choose its photos instead."),
    "error.keep": _("The touched-up picture could not be kept on the server. Download it."),
    "recipe.saved": _("{name} is saved."),
    "recipe.deleted": _("{name} is deleted."),
    "recipe.delete": _("Delete the recipe {name}"),
    "recipe.most": _("You have {count} recipes of your own. Delete one first."),
    "recipe.picture": _(
        "A background picture can't be part of a recipe. Choose a colour, or none."
    ),
    "recipe.nothing": _("No picture is finished yet. Wait for the first one."),
    "error.sample": _("The sample could not be loaded. Try again."),
}


def sentence_for(error: RemovalError) -> str:
    """The error in the visitor's language and free of the API's terms."""
    known = "" if isinstance(error, HourUsedUp) else TABLE[error.code].page
    return str(known or error.message)
