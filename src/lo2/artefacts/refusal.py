"""The sentence with which a bundle is refused."""

from lo2.errors import UntrustedBundleError


def bundle_refusal(what: str) -> UntrustedBundleError:
    """Error that says what a bundle holds that it must not."""
    return UntrustedBundleError(f"The bundle is refused: {what}. Get it again from where it came from, or train anew")
