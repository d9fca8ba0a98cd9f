def campaigns(chain, folder):
    return {}
