"""What the identity room says."""

from domain.kernel.words import Words

SIGN_IN_AGAIN = Words("登录已失效，请重新登录。", "Your sign-in has ended. Please sign in again.")
